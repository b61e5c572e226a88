extension Mask {
  /// Text that attends to images in it: keys are images of `tokensPerImage` tokens, and the queries in interval n see image n.
  ///
  /// Source: Alayrac et al., "Flamingo: a visual language model for few-shot learning", 2022; attention-gym, `flamingo`.
  ///
  /// - Parameter intervals: for each image the first query that sees it and the one after the last, integers `[images, 2]`.
  public static func visionCrossAttention(_ intervals: Tensor, tokensPerImage: Int) -> Mask {
    Mask { pair in
      let image = pair.key / tokensPerImage
      let (first, end) = (intervals[0..., 0], intervals[0..., 1])
      return (pair.query >= pair.element(of: first, at: image)) & (pair.query < pair.element(of: end, at: image))
    }
  }
}

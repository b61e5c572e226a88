import HeedIR

extension ONNX {
  /// Which pairs of a query and a key are live, for scores `[B, H, M, N]`.
  struct PairRules {
    let scores: Tensor
    let offset: Offset

    /// The position of the first query among the keys.
    enum Offset {
      case none
      /// The number of keys before it.
      case extent(Extent)
      /// The number of keys of each sequence that are not padding, `[B]`; the last of them are those of the queries.
      case lengths(Tensor)
    }

    private var query: Tensor { scores.index(2) }
    private var key: Tensor { scores.index(3) }

    /// The number of valid keys of each pair's sequence.
    private func lengths(_ lengths: Tensor) -> Tensor { lengths.cast(to: .i32).broadcast(to: scores.shape, dimensions: [0]) }

    /// Each query's position among the keys.
    private var position: Tensor {
      switch offset {
      case .none: query
      case .extent(let extent): query + scores.builder.size(extent)
      case .lengths(let valid): query + (lengths(valid) - scores.size(2))
      }
    }

    /// The scores with the mask's floats added, and -inf where a pair is masked.
    func masking(_ scores: Tensor, _ attention: Attention, _ mask: Tensor?) -> Tensor {
      var (live, masked): ([Tensor], Tensor) = ([], scores)
      if attention.isCausal { live.append(key <= position) }
      if attention.leftWindowSize >= 0 { live.append(key >= position - attention.leftWindowSize) }
      if attention.rightWindowSize >= 0 { live.append(key <= position + attention.rightWindowSize) }
      if case .lengths(let valid) = offset { live.append(key < lengths(valid)) }
      if let mask, mask.element == .bool {
        live.append(mask)
      } else if let mask {
        let bias = mask.cast(to: scores.element).broadcast(to: scores.shape)
        // A key that no query may see must not be seen by an infinite or missing score either.
        live.append(bias != -Double.infinity)
        masked = masked + bias
      }
      guard let first = live.first else { return masked }
      return masked.where(live.dropFirst().reduce(first) { $0 && $1 }.broadcast(to: scores.shape), else: -.infinity)
    }
  }
}

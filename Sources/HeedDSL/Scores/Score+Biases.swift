import HeedIR

extension Score {
  /// A bias for every pair: a tensor that broadcasts against the scores.
  public static func bias(_ bias: Tensor) -> Score { Score { score, _ in score + bias } }

  /// A bias for every head, `[heads]`, or for every head and pair, `[heads, queries, keys]`.
  public static func perHeadBias(_ bias: Tensor) -> Score { Score { score, pair in score + pair.perHead(bias) } }

  /// Minus the head's slope times the distance of the positions: linear biases in place of position embeddings.
  ///
  /// Source: Press, Smith, Lewis, "Train short, test long", 2022 (ALiBi).
  ///
  /// - Parameter slopes: floats `[heads]`; the paper's by default, for which the number of heads must be known.
  public static func alibi(slopes: Tensor? = nil) -> Score {
    adding { pair, type in
      let slopes = slopes ?? pair.slopes("alibi", type) { alibiSlopes(headCount: $0) }
      return -(abs(pair.query - pair.key).cast(to: type) * pair.perHead(slopes.cast(to: type)))
    }
  }

  /// The inner product of the sinusoidal embeddings of the two positions, over a number for each head: a bias that decays with distance.
  ///
  /// `sum over p < size/2 of cos((i - j) / 10000^(2p / size)) / (8h / heads)` for heads h in 1 ... heads. It is summed once for each
  /// distance.
  /// Source: Chi et al., "Dissecting transformer length extrapolation via the lens of receptive field analysis", 2023 (Sandwich).
  ///
  /// - Parameter size: elements of an embedding; even.
  public static func sandwich(size: Int = 128) -> Score {
    adding { pair, type in
      let distances = pair.builder.iota(TensorType(.i32, [pair.queryCount + pair.keyCount]), 0, nil)
      let byDistance = cos(positionAngles(distances, size: size, base: 10000, as: type)).sum(1)
      let scales = pair.slopes("sandwich", type) { heads in (1...heads).map { Double(heads) / (8 * Double($0)) } }
      return byDistance.gather(abs(pair.query - pair.key)) * pair.perHead(scales)
    }
  }
}

extension Pairs {
  /// One number per head of the scores: `[heads]`.
  fileprivate func slopes(_ name: String, _ type: ElementType, _ numbers: (_ heads: Int) -> [Double]) -> Tensor {
    let count = head.shape.count
    guard head.rank > 0, let heads = count.constant, heads > 0, heads <= mostHeads else {
      return builder.fail(
        "\(name): got scores \(shape), expected a known number of heads: [batch, heads, queries, keys]", nil,
        guess: TensorType(type, [count]))
    }
    return builder.constant(numbers(heads).map { Literal($0) }, TensorType(type, [count]), nil)
  }
}

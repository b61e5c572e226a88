public import HeedIR

/// What random numbers follow from: a seed, and the number of one of its streams.
///
/// A draw is a function of the key, the shape and the element type: the same key gives the same numbers at every call, on every target.
/// Draws that are to differ need different seeds or streams: `key.stream(1)`, `key.stream(2)`.
public struct RandomKey {
  /// A scalar i64.
  let seed: Tensor
  let streamNumber: Int

  /// The key of another stream of the same seed.
  public func stream(_ number: Int) -> RandomKey { RandomKey(seed: seed, streamNumber: number) }
}

extension GraphBuilder {
  /// The key of a seed that is passed at each call, so that the numbers change from call to call: an integer scalar.
  public func randomKey(_ seed: Tensor, stream: Int = 0, file: String = #filePath, line: Int = #line) -> RandomKey {
    let site = CallSite(file, line)
    guard seed.rank == 0, seed.element.isInteger else {
      let poison = fail("got the seed \(seed.summary), expected an integer scalar", site, guess: TensorType(.i64, .scalar))
      return RandomKey(seed: poison, streamNumber: stream)
    }
    return RandomKey(seed: seed.converted(to: .i64, site), streamNumber: stream)
  }

  /// The key of a seed that is known now.
  public func randomKey(_ seed: Int, stream: Int = 0, file: String = #filePath, line: Int = #line) -> RandomKey {
    let seed = constant([Literal(seed)], TensorType(.i64, .scalar), CallSite(file, line))
    return RandomKey(seed: seed, streamNumber: stream)
  }

  /// Random bits, an i32 for each element, all values equally likely.
  ///
  /// The bits of an element are those at its position in the key's stream: its row-major index, where each row of the last dimension
  /// is counted as a whole number of blocks of four.
  public func randomBits(_ shape: Shape, key: RandomKey, file: String = #filePath, line: Int = #line) -> Tensor {
    located(file, line) { randomBits(shape, key) }
  }

  /// Numbers that are equally distributed over [0, 1), each a whole multiple of 2^-24; of 2^-53 for f64, 2^-11 for f16, 2^-8 for bf16.
  public func uniform(
    _ shape: Shape, _ element: ElementType = .f32, key: RandomKey, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    located(file, line) {
      let type = TensorType(element, shape)
      guard let digits = digits(element) else {
        return fail("got random numbers of type \(element), expected a float type", nil, guess: type)
      }
      let leading = fraction(randomBits(shape, key), digits: min(digits, 32), element)
      if digits <= 32 { return leading }
      return leading + fraction(randomBits(shape, key, draw: 1), digits: digits - 32, element) * 0x1p-32
    }
  }

  /// Numbers of the standard normal distribution, by the method of Box and Muller: `sqrt(-2 log u) cos(2 pi v)`.
  ///
  /// In f32 u has 31 bits, so that no number is above 6.7 in size, and the result is within 1e-6 of the formula; in f64 u has 53 bits
  /// and the result is within 1e-14. 16-bit floats are computed in f32 and rounded.
  /// Source: Box and Muller, "A note on the generation of random normal deviates", 1958.
  public func normal(
    _ shape: Shape, _ element: ElementType = .f32, key: RandomKey, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    located(file, line) {
      let type = TensorType(element, shape)
      guard element.isFloat else {
        return fail("got random numbers of type \(element), expected a float type", nil, guess: type)
      }
      let wide = element.computed
      func positive(_ draw: Int) -> Tensor { (randomBits(shape, key, draw: draw) & Int(Int32.max)).cast(to: wide) }
      // Never 0, whose logarithm is infinite.
      let size =
        wide == .f64
        ? (positive(0) + (positive(2) + 0.5) * 0x1p-31) * 0x1p-31 : (positive(0) + 0.5) * 0x1p-31
      let angle = positive(1) * (0x1p-30 * Double.pi)
      return (sqrt(log(size) * -2) * cos(angle)).cast(to: element)
    }
  }

  /// Bools that are true with this probability, to 2^-32: where `uniform` of the same key is below it.
  public func bernoulli(
    _ shape: Shape, probability: Double, key: RandomKey, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    located(file, line) {
      guard isProbability(probability) else { return poison(TensorType(.bool, shape)) }
      let threshold = Int((probability * 0x1p32).rounded()) + Int(Int32.min)
      if threshold > Int32.max { return full(shape, true, .bool) }
      return randomBits(shape, key) < threshold
    }
  }
}

extension Tensor {
  /// This tensor with each element 0 with the given probability, and divided by the probability that it is not, so that its mean is kept.
  ///
  /// Of attention's probabilities, this becomes a part of fused attention: no mask is stored.
  /// Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
  public func dropout(
    probability: Double, key: RandomKey, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    builder.located(file, line) {
      guard element.isFloat else {
        return builder.fail("dropout: got \(summary), expected floats", nil, guess: type)
      }
      guard builder.isProbability(probability) else { return self }
      if probability == 0 { return self }
      if probability == 1 { return builder.full(shape, 0.0, element) }
      let kept = builder.bernoulli(shape, probability: 1 - probability, key: key)
      let scaled = (cast(to: element.computed) * (1 / (1 - probability))).cast(to: element)
      return select(kept, scaled, 0.0)
    }
  }
}

extension GraphBuilder {
  fileprivate func isProbability(_ number: Double) -> Bool {
    expect((0...1).contains(number), "got the probability \(number), expected one from 0 to 1", nil)
  }

  /// The binary digits of a float type's numbers below 1; nil for other types.
  private func digits(_ element: ElementType) -> Int? {
    switch element {
    case .f64: 53
    case .f32: 24
    case .f16: 11
    case .bf16: 8
    case .i64, .i32, .i8, .u8, .bool: nil
    }
  }

  /// The upper bits of each number, the sign above all, as digits behind the point.
  private func fraction(_ bits: Tensor, digits: Int, _ element: ElementType) -> Tensor {
    let unit = Double(sign: .plus, exponent: -digits, significand: 1)
    return ((bits >> (32 - digits)).cast(to: element) + 0.5 / unit) * unit
  }

  /// The bits of each element.
  /// - Parameter draw: tells apart the draws that an element takes of one stream: no tensor has as many elements as lie between.
  private func randomBits(_ shape: Shape, _ key: RandomKey, draw: Int = 0) -> Tensor {
    let (index, scalar) = (TensorType(.i64, shape), TensorType(.i64, .scalar))
    func whole(_ number: Int) -> Tensor { constant([Literal(number)], scalar, nil) }
    let first = draw << 60
    var position: Tensor?
    if let columns = shape.extents.last {
      let pitch = columns.dividedRoundingUp(by: 4) * 4
      var row: Tensor?
      for dimension in 0..<(shape.rank - 1) where shape[dimension] != 1 {
        let own = iota(index, dimension, nil)
        row = row.map { $0 * extent(shape[dimension], .i64, nil) + own } ?? own
      }
      let column = iota(index, shape.rank - 1, nil)
      let own = row.map { $0 * extent(pitch, .i64, nil) + column } ?? column
      position = first == 0 ? own : own + first
    }
    return elementwise(.randomBits, [key.seed, whole(key.streamNumber), position ?? whole(first)], nil)
  }
}

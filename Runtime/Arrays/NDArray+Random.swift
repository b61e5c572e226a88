public import HeedIR

/// Random numbers: the same for a seed on every machine.
///
/// A negative extent stops the program with a message, as in `Array(repeating:count:)`.
extension NDArray {
  /// Numbers of the normal distribution of mean 0 and variance 1, rounded to a float type.
  /// - Parameter element: a float type; another stops the program with a message.
  public static func random(_ shape: [Int], seed: some BinaryInteger, element: ElementType = .f32) -> NDArray {
    guard element.isFloat else {
      fatalError("NDArray.random: got the element type \(element), expected a float type; use uniform(_:in:seed:element:)")
    }
    var numbers = RandomNumbers(seed: UInt64(truncatingIfNeeded: seed))
    return generated(shape, element) { numbers.normal() }
  }

  /// Numbers spread evenly over `range`, its end excluded; of an integer type whole numbers. Of bool they are true as often as false.
  public static func uniform(
    _ shape: [Int], in range: Range<Double> = 0..<1, seed: some BinaryInteger, element: ElementType = .f32
  ) -> NDArray {
    var numbers = RandomNumbers(seed: UInt64(truncatingIfNeeded: seed))
    if element == .bool { return generated(shape, element) { numbers.unit() < 0.5 ? 0 : 1 } }
    let (start, end) =
      element.isFloat
      ? (range.lowerBound, range.upperBound) : (range.lowerBound.rounded(.up), range.upperBound.rounded(.up))
    guard start < end, (end - start).isFinite else {
      fatalError("NDArray.uniform: got the range \(range), expected one with numbers of type \(element) in it")
    }
    return generated(shape, element) {
      let number = start + numbers.unit() * (end - start)
      guard element.isFloat else { return number.rounded(.down) }
      // Rounding may reach the end.
      return element.round(number) < end ? number : start
    }
  }

  /// An array of what `next` returns, in row-major order, converted to the element type.
  private static func generated(_ shape: [Int], _ element: ElementType, _ next: () -> Double) -> NDArray {
    stopping { try NDArray(element, shape) { _ in ScalarSemantics.convert(Literal(next()), to: element) } }
  }
}

/// Numbers of distributions, made by operations that IEEE 754 rounds exactly: the same on every machine.
package struct RandomNumbers {
  private enum Source {
    case generator(SeededGenerator)
    /// A stream of `Philox`, and the number of its next block of four words.
    case stream(key: UInt64, UInt64, block: UInt64)
  }

  private var source: Source
  private var pending: UInt64?
  private var spare: Double?

  /// One sequence for each seed.
  package init(seed: UInt64) { source = .generator(SeededGenerator(seed: seed)) }

  /// Sequences of one seed that do not overlap, one for each number.
  package init(seed: UInt64, stream: UInt64) { source = .stream(key: seed, stream, block: 0) }

  private mutating func bits() -> UInt64 {
    switch source {
    case .generator(var generator):
      let number = generator.next()
      source = .generator(generator)
      return number
    case .stream(let key, let stream, let block):
      if let number = pending {
        pending = nil
        return number
      }
      func halves(_ word: UInt64) -> SIMD2<UInt32> {
        SIMD2(UInt32(truncatingIfNeeded: word), UInt32(truncatingIfNeeded: word >> 32))
      }
      let words = Philox.block(SIMD4(lowHalf: halves(block), highHalf: halves(stream)), key: halves(key))
      source = .stream(key: key, stream, block: block + 1)
      pending = UInt64(words[3]) << 32 | UInt64(words[2])
      return UInt64(words[1]) << 32 | UInt64(words[0])
    }
  }

  /// From 0 to below 1, in steps of 2^-53.
  package mutating func unit() -> Double { Double(bits() >> 11) * 0x1p-53 }

  /// Of the normal distribution, by Marsaglia's polar method, which makes two at a time.
  package mutating func normal() -> Double {
    if let number = spare {
      spare = nil
      return number
    }
    while true {
      let (x, y) = (2 * unit() - 1, 2 * unit() - 1)
      let square = x * x + y * y
      guard square > 0, square < 1 else { continue }
      let factor = (-2 * Self.logarithm(square) / square).squareRoot()
      spare = y * factor
      return x * factor
    }
  }

  /// The natural logarithm of a number above 0. That of the C library differs from machine to machine.
  static func logarithm(_ number: Double) -> Double {
    var (exponent, significand) = (Double(number.exponent), number.significand)
    if significand > 1.5 { (exponent, significand) = (exponent + 1, significand / 2) }
    // log((1 + s) / (1 - s)) = 2 (s + s^3/3 + s^5/5 + ...), where s is at most 1/5.
    let s = (significand - 1) / (significand + 1)
    var (power, sum) = (s, 0.0)
    for divisor in stride(from: 1.0, through: 25, by: 2) {
      sum += power / divisor
      power *= s * s
    }
    return 2 * sum + exponent * 0.693147180559945309
  }
}

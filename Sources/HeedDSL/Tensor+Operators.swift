import HeedIR

// Operands broadcast as in NumPy and have one element type; a Swift number takes the tensor's.

// MARK: Arithmetic

extension Tensor {
  /// The sum. Integers wrap.
  public static func + (left: Tensor, right: Tensor) -> Tensor { left.with(right, .add) }
  /// The sum of each element and a number.
  public static func + (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .add) }
  /// The sum of a number and each element.
  public static func + (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .add) }

  /// The difference. Integers wrap.
  public static func - (left: Tensor, right: Tensor) -> Tensor { left.with(right, .subtract) }
  /// Each element minus a number.
  public static func - (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .subtract) }
  /// A number minus each element.
  public static func - (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .subtract) }

  /// The product. Integers wrap.
  public static func * (left: Tensor, right: Tensor) -> Tensor { left.with(right, .multiply) }
  /// Each element times a number.
  public static func * (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .multiply) }
  /// A number times each element.
  public static func * (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .multiply) }

  /// The quotient; of integers, rounded down, and 0 where the divisor is 0.
  public static func / (left: Tensor, right: Tensor) -> Tensor { left.with(right, .divide) }
  /// Each element divided by a number.
  public static func / (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .divide) }
  /// A number divided by each element.
  public static func / (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .divide) }

  /// The remainder of division rounded down: it has the divisor's sign, and is 0 where an integer divisor is 0.
  public static func % (left: Tensor, right: Tensor) -> Tensor { left.with(right, .remainder) }
  /// The remainder of each element by a number.
  public static func % (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .remainder) }
  /// The remainder of a number by each element.
  public static func % (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .remainder) }
}

// MARK: Comparisons, whose results are bools
//
// Doubles have functions of their own, so that `x > -.infinity` has one meaning.

extension Tensor {
  /// Whether each left element is less than the right one.
  public static func < (left: Tensor, right: Tensor) -> Tensor { left.with(right, .less) }
  /// Whether each element is less than a number.
  public static func < (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .less) }
  /// Whether each element is less than a number.
  public static func < (left: Tensor, right: Double) -> Tensor { left.with(left.scalar(right), .less) }
  /// Whether a number is less than each element.
  public static func < (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .less) }
  /// Whether a number is less than each element.
  public static func < (left: Double, right: Tensor) -> Tensor { right.scalar(left).with(right, .less) }

  /// Whether each left element is at most the right one.
  public static func <= (left: Tensor, right: Tensor) -> Tensor { left.with(right, .lessEqual) }
  /// Whether each element is at most a number.
  public static func <= (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .lessEqual) }
  /// Whether each element is at most a number.
  public static func <= (left: Tensor, right: Double) -> Tensor { left.with(left.scalar(right), .lessEqual) }
  /// Whether a number is at most each element.
  public static func <= (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .lessEqual) }
  /// Whether a number is at most each element.
  public static func <= (left: Double, right: Tensor) -> Tensor { right.scalar(left).with(right, .lessEqual) }

  /// Whether each left element is greater than the right one.
  public static func > (left: Tensor, right: Tensor) -> Tensor { left.with(right, .greater) }
  /// Whether each element is greater than a number.
  public static func > (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .greater) }
  /// Whether each element is greater than a number.
  public static func > (left: Tensor, right: Double) -> Tensor { left.with(left.scalar(right), .greater) }
  /// Whether a number is greater than each element.
  public static func > (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .greater) }
  /// Whether a number is greater than each element.
  public static func > (left: Double, right: Tensor) -> Tensor { right.scalar(left).with(right, .greater) }

  /// Whether each left element is at least the right one.
  public static func >= (left: Tensor, right: Tensor) -> Tensor { left.with(right, .greaterEqual) }
  /// Whether each element is at least a number.
  public static func >= (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .greaterEqual) }
  /// Whether each element is at least a number.
  public static func >= (left: Tensor, right: Double) -> Tensor { left.with(left.scalar(right), .greaterEqual) }
  /// Whether a number is at least each element.
  public static func >= (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .greaterEqual) }
  /// Whether a number is at least each element.
  public static func >= (left: Double, right: Tensor) -> Tensor { right.scalar(left).with(right, .greaterEqual) }

  /// Whether each left element is equal to the right one.
  public static func == (left: Tensor, right: Tensor) -> Tensor { left.with(right, .equal) }
  /// Whether each element is equal to a number.
  public static func == (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .equal) }
  /// Whether each element is equal to a number.
  public static func == (left: Tensor, right: Double) -> Tensor { left.with(left.scalar(right), .equal) }
  /// Whether a number is equal to each element.
  public static func == (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .equal) }
  /// Whether a number is equal to each element.
  public static func == (left: Double, right: Tensor) -> Tensor { right.scalar(left).with(right, .equal) }

  /// Whether each left element is different from the right one.
  public static func != (left: Tensor, right: Tensor) -> Tensor { left.with(right, .notEqual) }
  /// Whether each element is different from a number.
  public static func != (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .notEqual) }
  /// Whether each element is different from a number.
  public static func != (left: Tensor, right: Double) -> Tensor { left.with(left.scalar(right), .notEqual) }
  /// Whether a number is different from each element.
  public static func != (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .notEqual) }
  /// Whether a number is different from each element.
  public static func != (left: Double, right: Tensor) -> Tensor { right.scalar(left).with(right, .notEqual) }
}

// MARK: Bits of integers and bools

extension Tensor {
  /// The bits that are set in both.
  public static func & (left: Tensor, right: Tensor) -> Tensor { left.with(right, .and) }
  /// The bits that are set in both: each element and a number.
  public static func & (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .and) }
  /// The bits that are set in both: a number and each element.
  public static func & (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .and) }

  /// The bits that are set in either.
  public static func | (left: Tensor, right: Tensor) -> Tensor { left.with(right, .or) }
  /// The bits that are set in either: each element and a number.
  public static func | (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .or) }
  /// The bits that are set in either: a number and each element.
  public static func | (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .or) }

  /// The bits that are set in one only.
  public static func ^ (left: Tensor, right: Tensor) -> Tensor { left.with(right, .xor) }
  /// The bits that are set in one only: each element and a number.
  public static func ^ (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .xor) }
  /// The bits that are set in one only: a number and each element.
  public static func ^ (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .xor) }

  /// The bits moved up; 0 where the count is not below the number of bits.
  public static func << (left: Tensor, right: Tensor) -> Tensor { left.with(right, .shiftLeft) }
  /// The bits of each element moved up by a number.
  public static func << (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .shiftLeft) }
  /// The bits of a number moved up by each element.
  public static func << (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .shiftLeft) }

  /// The bits moved down, the sign kept.
  public static func >> (left: Tensor, right: Tensor) -> Tensor { left.with(right, .shiftRight) }
  /// The bits of each element moved down by a number.
  public static func >> (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .shiftRight) }
  /// The bits of a number moved down by each element.
  public static func >> (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .shiftRight) }
}

// MARK: Logic and signs

extension Tensor {
  /// Both, of bools. Unlike Swift's, it always computes both sides.
  public static func && (left: Tensor, right: Tensor) -> Tensor { left.logical("&&", right, .and) }

  /// Either, of bools. Unlike Swift's, it always computes both sides.
  public static func || (left: Tensor, right: Tensor) -> Tensor { left.logical("||", right, .or) }

  /// The opposite, of bools.
  public static prefix func ! (operand: Tensor) -> Tensor {
    guard operand.element == .bool else {
      return operand.builder.fail("!: got \(operand.summary), expected bools", nil, guess: TensorType(.bool, operand.shape))
    }
    return operand.mapped(.not, nil)
  }

  /// The opposite of every bit.
  public static prefix func ~ (operand: Tensor) -> Tensor { operand.mapped(.not, nil) }

  /// The negative of each element. Integers wrap.
  public static prefix func - (operand: Tensor) -> Tensor { operand.mapped(.negate, nil) }

  private func logical(_ symbol: String, _ other: Tensor, _ op: Op) -> Tensor {
    guard element == .bool && other.element == .bool else {
      return builder.fail(
        "\(symbol): got \(summary) and \(other.summary), expected bools", nil,
        guess: TensorType(.bool, rank < other.rank ? other.shape : shape))
    }
    return with(other, op)
  }
}

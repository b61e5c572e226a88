import HeedIR

// Operands broadcast as in NumPy and have one element type; a number of Swift's takes the tensor's.

// MARK: Arithmetic

extension Tensor {
  /// The sum. Integers wrap.
  public static func + (left: Tensor, right: Tensor) -> Tensor { left.with(right, .add) }
  public static func + (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .add) }
  public static func + (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .add) }

  /// The difference. Integers wrap.
  public static func - (left: Tensor, right: Tensor) -> Tensor { left.with(right, .subtract) }
  public static func - (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .subtract) }
  public static func - (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .subtract) }

  /// The product. Integers wrap.
  public static func * (left: Tensor, right: Tensor) -> Tensor { left.with(right, .multiply) }
  public static func * (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .multiply) }
  public static func * (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .multiply) }

  /// The quotient; of integers, rounded down, and 0 where the divisor is 0.
  public static func / (left: Tensor, right: Tensor) -> Tensor { left.with(right, .divide) }
  public static func / (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .divide) }
  public static func / (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .divide) }

  /// The remainder of division rounded down: it has the divisor's sign, and is 0 where an integer divisor is 0.
  public static func % (left: Tensor, right: Tensor) -> Tensor { left.with(right, .remainder) }
  public static func % (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .remainder) }
  public static func % (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .remainder) }
}

// MARK: Comparisons, which give bools

extension Tensor {
  public static func < (left: Tensor, right: Tensor) -> Tensor { left.with(right, .less) }
  public static func < (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .less) }
  public static func < (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .less) }

  public static func <= (left: Tensor, right: Tensor) -> Tensor { left.with(right, .lessEqual) }
  public static func <= (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .lessEqual) }
  public static func <= (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .lessEqual) }

  public static func > (left: Tensor, right: Tensor) -> Tensor { left.with(right, .greater) }
  public static func > (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .greater) }
  public static func > (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .greater) }

  public static func >= (left: Tensor, right: Tensor) -> Tensor { left.with(right, .greaterEqual) }
  public static func >= (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .greaterEqual) }
  public static func >= (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .greaterEqual) }

  public static func == (left: Tensor, right: Tensor) -> Tensor { left.with(right, .equal) }
  public static func == (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .equal) }
  public static func == (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .equal) }

  public static func != (left: Tensor, right: Tensor) -> Tensor { left.with(right, .notEqual) }
  public static func != (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .notEqual) }
  public static func != (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .notEqual) }
}

// MARK: Bits of integers and bools

extension Tensor {
  public static func & (left: Tensor, right: Tensor) -> Tensor { left.with(right, .and) }
  public static func & (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .and) }
  public static func & (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .and) }

  public static func | (left: Tensor, right: Tensor) -> Tensor { left.with(right, .or) }
  public static func | (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .or) }
  public static func | (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .or) }

  public static func ^ (left: Tensor, right: Tensor) -> Tensor { left.with(right, .xor) }
  public static func ^ (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .xor) }
  public static func ^ (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .xor) }

  /// The bits moved up; 0 where the count is not below the number of bits.
  public static func << (left: Tensor, right: Tensor) -> Tensor { left.with(right, .shiftLeft) }
  public static func << (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .shiftLeft) }
  public static func << (left: some TensorScalar, right: Tensor) -> Tensor { right.scalar(left).with(right, .shiftLeft) }

  /// The bits moved down, the sign kept.
  public static func >> (left: Tensor, right: Tensor) -> Tensor { left.with(right, .shiftRight) }
  public static func >> (left: Tensor, right: some TensorScalar) -> Tensor { left.with(left.scalar(right), .shiftRight) }
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

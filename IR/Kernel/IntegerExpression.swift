/// A whole-number expression of a kernel: an index, a bound, a condition. Evaluated in 64 bits; a condition is 0 or 1.
public indirect enum IntegerExpression: Hashable, Sendable {
  case constant(Int)
  /// A constant with a name: `.open`.
  case verdict(Verdict)
  /// A symbol of the kernel's buffer shapes.
  case symbol(Name)
  /// A loop variable, a domain variable or a `let`.
  case variable(VariableID)
  /// Inside a body: a value that an earlier instruction computed, of integer type. For indirect addressing.
  case value(BodyValue)
  /// An element of an integer buffer or tile, or an integer `var`, read where the expression is evaluated.
  case load(Access)
  case binary(Operator, IntegerExpression, IntegerExpression)

  /// An operator of two whole numbers, as text writes it.
  public enum Operator: String, Hashable, Sendable, CaseIterable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    /// Rounds down; the divisor is a positive constant or a positive value.
    case divide = "/"
    /// In 0 ..< divisor.
    case remainder = "%"
    case minimum = "min"
    case maximum = "max"
    case less = "<"
    case lessEqual = "<="
    case equal = "=="
    case notEqual = "!="
    /// Both operands are conditions, and both are evaluated: a load in either must be inside.
    case and = "&&"
    case or = "||"
    case shiftLeft = "<<"
    case shiftRight = ">>"
    case bitAnd = "&"
    case bitOr = "|"
    case bitXor = "^"
  }
}

extension IntegerExpression: ExpressibleByIntegerLiteral {
  /// A constant.
  public init(integerLiteral value: Int) { self = .constant(value) }

  /// The number that a constant or a verdict stands for; nil for any other expression.
  public var constantValue: Int? {
    switch self {
    case .constant(let value): value
    case .verdict(let verdict): verdict.rawValue
    case .symbol, .variable, .value, .load, .binary: nil
    }
  }

  /// The operator applied, constants folded and neutral elements dropped, so that generated kernels read well.
  public static func apply(_ op: Operator, _ a: IntegerExpression, _ b: IntegerExpression) -> IntegerExpression {
    if let x = a.constantValue, let y = b.constantValue, let folded = op.apply(x, y) { return .constant(folded) }
    switch (op, a, b) {
    case (.add, .constant(0), let other), (.add, let other, .constant(0)), (.subtract, let other, .constant(0)): return other
    case (.multiply, .constant(1), let other), (.multiply, let other, .constant(1)), (.divide, let other, .constant(1)):
      return other
    case (.multiply, .constant(0), _), (.multiply, _, .constant(0)), (.remainder, _, .constant(1)): return 0
    case (.and, .constant(1), let other), (.and, let other, .constant(1)): return other
    case (.or, .constant(0), let other), (.or, let other, .constant(0)): return other
    case (.and, .constant(0), _), (.and, _, .constant(0)): return 0
    case (.or, .constant(1), _), (.or, _, .constant(1)): return 1
    case (.add, .binary(.subtract, let x, .constant(let taken)), .constant(let added)):
      return Operator.subtract.apply(added, taken).map { x + .constant($0) } ?? .binary(op, a, b)
    case (.minimum, let x, let y) where x == y, (.maximum, let x, let y) where x == y: return x
    default: return .binary(op, a, b)
    }
  }

  /// The sum, folded where it can be.
  public static func + (a: Self, b: Self) -> Self { apply(.add, a, b) }
  /// The difference, folded where it can be.
  public static func - (a: Self, b: Self) -> Self { apply(.subtract, a, b) }
  /// The product, folded where it can be.
  public static func * (a: Self, b: Self) -> Self { apply(.multiply, a, b) }
  /// The quotient rounded down, folded where it can be.
  public static func / (a: Self, b: Self) -> Self { apply(.divide, a, b) }
  /// The remainder of that quotient, folded where it can be.
  public static func % (a: Self, b: Self) -> Self { apply(.remainder, a, b) }

  /// The extent as an expression over symbols.
  public init(_ extent: Extent) {
    var sum: IntegerExpression?
    for term in extent.terms {
      var product: IntegerExpression?
      for factor in term.factors {
        let value: IntegerExpression =
          switch factor {
          case .symbol(let name): .symbol(name)
          case .floorDivision(let inner, let divisor): IntegerExpression(inner) / .constant(divisor)
          case .ceilingDivision(let inner, let divisor): (IntegerExpression(inner) + .constant(divisor - 1)) / .constant(divisor)
          }
        product = product.map { $0 * value } ?? value
      }
      let magnitude = IntegerExpression.constant(sum == nil ? term.coefficient : abs(term.coefficient))
      let value = product.map { $0 * magnitude } ?? magnitude
      sum = sum.map { term.coefficient < 0 ? $0 - value : $0 + value } ?? value
    }
    self = sum ?? 0
  }
}

extension IntegerExpression.Operator {
  /// The operator on numbers; nil where the result leaves 64 bits, the divisor is not positive or the shift not in 0 ..< 64.
  public func apply(_ a: Int, _ b: Int) -> Int? {
    func checked(_ result: (partialValue: Int, overflow: Bool)) -> Int? { result.overflow ? nil : result.partialValue }
    switch self {
    case .add: return checked(a.addingReportingOverflow(b))
    case .subtract: return checked(a.subtractingReportingOverflow(b))
    case .multiply: return checked(a.multipliedReportingOverflow(by: b))
    case .divide: return b > 0 ? Extent.floorDivide(a, b) : nil
    case .remainder: return b > 0 ? Extent.remainder(a, b) : nil
    case .minimum: return min(a, b)
    case .maximum: return max(a, b)
    case .less: return a < b ? 1 : 0
    case .lessEqual: return a <= b ? 1 : 0
    case .equal: return a == b ? 1 : 0
    case .notEqual: return a != b ? 1 : 0
    case .and: return a != 0 && b != 0 ? 1 : 0
    case .or: return a != 0 || b != 0 ? 1 : 0
    case .shiftLeft: return b >= 0 && b < 64 ? a << b : nil
    case .shiftRight: return b >= 0 && b < 64 ? a >> b : nil
    case .bitAnd: return a & b
    case .bitOr: return a | b
    case .bitXor: return a ^ b
    }
  }
}

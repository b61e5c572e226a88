/// What an elementwise op does to scalars: reals in double precision and then rounded to their type, integers in 64 bits and then
/// wrapped.
///
/// An op without an `expansion` is primitive: code generation has an instruction for it. The others are expanded into primitive
/// ops before code generation, with the accuracy that the expansion states. Among them may be `exp2`, for which some targets have
/// instructions and the others its own expansion.
public struct ScalarSemantics: Sendable {
  /// The form of the op: how many operands it has, and what it computes.
  public enum Rule: Sendable {
    /// One operand; the result has its type. A nil closure means that the op does not take such operands. Of a bool, only the
    /// lowest bit of the integer closure's result counts.
    case unary(real: (@Sendable (Double) -> Double)?, integer: (@Sendable (Int64) -> Int64)?)
    /// Two operands of one type, which the result has as well.
    case binary(real: (@Sendable (Double, Double) -> Double)?, integer: (@Sendable (Int64, Int64) -> Int64)?)
    /// Three float operands of one type, which the result has as well; the closure takes it to round once.
    case ternary(real: @Sendable (Double, Double, Double, ElementType) -> Double)
    /// Two operands of one type; the result is a bool.
    case comparison(real: @Sendable (Double, Double) -> Bool, integer: @Sendable (Int64, Int64) -> Bool)
    /// A bool and two values of one type.
    case select
    /// One operand; the writer states the result's element type.
    case convert
    /// One operand reinterpreted bit by bit as the stated element type of the same size.
    case bitcast
    /// A key, a stream and a position, all i64; the result is an i32.
    case randomBits(@Sendable (Int64, Int64, Int64) -> Int64)
  }

  /// What the op computes.
  public var rule: Rule
  /// True where integer operands may be bools as well (`and`, `or`, `not`, comparisons).
  public var takesBool: Bool
  /// Primitive ops that compute the op for an element type, with the op's operands for parameters; nil where the op is primitive
  /// for that type.
  public var expansion: (@Sendable (ElementType) throws -> ScalarFunction?)?
  /// The derivative; nil for ops on whole numbers alone, whose results have none.
  package var derivative: ElementwiseDerivative?

  /// The semantics of `rule`, with primitive ops to expand into where it is not primitive.
  public init(_ rule: Rule, takesBool: Bool = false, expansion: (@Sendable (ElementType) throws -> ScalarFunction?)? = nil) {
    (self.rule, self.takesBool, self.expansion) = (rule, takesBool, expansion)
  }

  /// The number of operands.
  public var arity: Int {
    switch rule {
    case .unary, .convert, .bitcast: 1
    case .binary, .comparison: 2
    case .ternary, .select, .randomBits: 3
    }
  }

  /// The element type of the result.
  /// - Throws: where the operand types do not fit.
  func resultElement(_ operands: [ElementType], stated: ElementType?) throws -> ElementType {
    switch rule {
    case .unary(let real, let integer):
      try expectTaken(operands[0], real: real != nil, integer: integer != nil)
      return operands[0]
    case .binary(let real, let integer):
      try expectSame(operands)
      try expectTaken(operands[0], real: real != nil, integer: integer != nil)
      return operands[0]
    case .ternary:
      try expectSame(operands)
      try expectTaken(operands[0], real: true, integer: false)
      return operands[0]
    case .comparison:
      try expectSame(operands)
      try expectTaken(operands[0], real: true, integer: true)
      return .bool
    case .select:
      guard operands[0] == .bool else { throw HeedError("got a condition of type \(operands[0]), expected bool") }
      try expectSame(Array(operands.dropFirst()))
      return operands[1]
    case .convert:
      guard let stated else { throw HeedError("the result type must be stated") }
      return stated
    case .bitcast:
      guard let stated, stated.byteCount == operands[0].byteCount else {
        throw HeedError("got a result type whose size differs from that of \(operands[0])")
      }
      return stated
    case .randomBits:
      if let other = operands.first(where: { $0 != .i64 }) { throw HeedError("got an operand of type \(other), expected i64") }
      return .i32
    }
  }

  private func expectSame(_ operands: [ElementType]) throws {
    if operands.contains(where: { $0 != operands[0] }) {
      throw HeedError("got element types \(operands.map(\.name).joined(separator: " and ")), expected one")
    }
  }

  private func expectTaken(_ element: ElementType, real: Bool, integer: Bool) throws {
    if element.isFloat ? real : (integer && (element != .bool || takesBool)) { return }
    throw HeedError(
      "got operands of type \(element), expected \(real ? (integer ? "numbers" : "a float type") : "an integer type")")
  }

  /// The op applied to scalars of these types: the reference. The result is a value of the type `result`.
  public func apply(_ operands: [Literal], types: [ElementType], result: ElementType) -> Literal {
    apply(to: types[0], result: result) { operands[$0] }
  }

  /// The op applied to scalars, of which the first has the type `type`; `operand` returns each by its number.
  @inline(__always)
  func apply(to type: ElementType, result: ElementType, operand: (Int) -> Literal) -> Literal {
    if case .ternary(let real) = rule {
      return Literal(result.round(real(operand(0).real, operand(1).real, operand(2).real, result)))
    }
    let value = applyUnrounded(to: type, result: result, operand: operand)
    return result.isFloat ? Literal(result.round(value.real)) : value
  }

  /// As above, but only a conversion rounds a float: for sums and products inside one op.
  @inline(__always)
  func applyUnrounded(to type: ElementType, result: ElementType, operand: (Int) -> Literal) -> Literal {
    switch rule {
    case .unary(let real, let integer):
      if type.isFloat { return Literal(real!(operand(0).real)) }
      let value = integer!(operand(0).integer)
      return Literal(result == .bool ? value & 1 : result.wrap(value))
    case .binary(let real, let integer):
      return type.isFloat
        ? Literal(real!(operand(0).real, operand(1).real))
        : Literal(result.wrap(integer!(operand(0).integer, operand(1).integer)))
    case .ternary(let real): return Literal(real(operand(0).real, operand(1).real, operand(2).real, .f64))
    case .comparison(let real, let integer):
      return type.isFloat
        ? Literal(real(operand(0).real, operand(1).real)) : Literal(integer(operand(0).integer, operand(1).integer))
    case .select: return operand(operand(0).integer != 0 ? 1 : 2)
    case .convert: return Self.convert(operand(0), to: result)
    case .bitcast: return Self.bitcast(operand(0), from: type, to: result)
    case .randomBits(let word): return Literal(word(operand(0).integer, operand(1).integer, operand(2).integer))
    }
  }

  /// A float becomes an integer by dropping its fraction and clamping it to the type's range; NaN becomes 0. Anything becomes a
  /// bool by comparing it with 0. An integer is wrapped. What becomes a float is rounded to nearest, ties to even; what becomes a
  /// 16-bit float is rounded to f32 before.
  package static func convert(_ value: Literal, to element: ElementType) -> Literal {
    if element == .f64 { return Literal(value.real) }
    if element.isFloat { return Literal(element.round(Double(value.isReal ? Float(value.real) : Float(value.integer)))) }
    if element == .bool { return Literal(value.isReal ? value.real != 0 : value.integer != 0) }
    guard value.isReal else { return Literal(element.wrap(value.integer)) }
    let range = element.integerRange
    if value.real.isNaN { return Literal(0) }
    if value.real >= Double(range.upperBound) { return Literal(range.upperBound) }
    if value.real <= Double(range.lowerBound) { return Literal(range.lowerBound) }
    return Literal(Int64(value.real))
  }

  package static func bitcast(_ value: Literal, from source: ElementType, to target: ElementType) -> Literal {
    let bits: UInt64 =
      switch source {
      case .f64: value.real.bitPattern
      case .f32: UInt64(Float(value.real).bitPattern)
      case .f16: UInt64(Float16(value.real).bitPattern)
      case .bf16: UInt64(BFloat16(value.real).bitPattern)
      case .i64, .i32, .i8, .u8, .bool: UInt64(bitPattern: value.integer)
      }
    switch target {
    case .f64: return Literal(Double(bitPattern: bits))
    case .f32: return Literal(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))))
    case .f16: return Literal(Double(Float16(bitPattern: UInt16(truncatingIfNeeded: bits))))
    case .bf16: return Literal(Double(BFloat16(bitPattern: UInt16(truncatingIfNeeded: bits)).float))
    case .i64, .i32, .i8, .u8, .bool: return Literal(target.wrap(Int64(bitPattern: bits)))
    }
  }
}

extension Op {
  /// An elementwise op: its inference, evaluation and cost follow from what it does to scalars.
  public static func elementwise(_ mnemonic: String, operands: [String], traits: Set<Trait> = [], _ scalar: ScalarSemantics) -> Op {
    var traits = traits.union([.elementwise])
    var needsStatedType = false
    switch scalar.rule {
    case .convert, .bitcast:
      traits.insert(.typedByResult)
      needsStatedType = true
    default: break
    }
    let needsStated = needsStatedType
    return Op(
      mnemonic, operands: .named(operands), traits: traits, scalar: scalar,
      infer: { inference in
        let shape = try inference.elementwiseShape()
        let stated = needsStated ? try inference.statedType().element : nil
        return [TensorType(try scalar.resultElement(inference.operands.map(\.element), stated: stated), shape)]
      },
      evaluate: { evaluation in
        let result = evaluation.resultTypes[0].element
        let types = evaluation.operands.map(\.element)
        var output = ReferenceArray(result, evaluation.resultShapes[0])
        // The step of each operand: a scalar stays at its one element.
        let steps = evaluation.operands.map { $0.shape.isEmpty ? 0 : 1 }
        switch scalar.rule {
        case .unary(let real?, _) where types[0].isFloat:
          output.reals = (0..<output.count).map { real(evaluation.operands[0].reals[$0 * steps[0]]) }
        case .binary(let real?, _) where types[0].isFloat:
          let (left, right) = (evaluation.operands[0].reals, evaluation.operands[1].reals)
          output.reals = (0..<output.count).map { real(left[$0 * steps[0]], right[$0 * steps[1]]) }
        case .ternary:
          for index in 0..<output.count {
            let operands = zip(evaluation.operands, steps).map { $0[$1 * index] }
            output[index] = scalar.apply(operands, types: types, result: result)
          }
        default:
          for index in 0..<output.count {
            let operands = zip(evaluation.operands, steps).map { $0[$1 * index] }
            // What the result is rounded to is for the interpreter to say.
            output[index] = scalar.applyUnrounded(to: types[0], result: result) { operands[$0] }
          }
        }
        return [output]
      })
  }
}

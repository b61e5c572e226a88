/// A scalar function written into another one, and differentiated there by the rules of its ops.
///
/// 16-bit floats are held in f32 where the function is a region of attention, else in their own type. What is read from a captured tensor is a variable like a parameter: its cotangent is asked for by the
/// instruction that reads it.
struct DifferentiatedFunction {
  private let function: ScalarFunction
  private let writer: ExpressionWriter
  /// The parameters and what the instructions compute.
  private let values: [ScalarExpression]

  /// Writes `function` with `arguments` for its parameters.
  /// - Parameters:
  ///   - tables: the numbers that the function's captured tensors have in the function being written.
  ///   - isWidened: whether 16-bit floats are held in f32 and not rounded.
  init(
    _ function: ScalarFunction, _ arguments: [ScalarExpression], tables: [Int] = [], in writer: ExpressionWriter, isWidened: Bool
  ) {
    (self.function, self.writer) = (function, writer)
    func held(_ type: ElementType) -> ElementType { isWidened ? type.computed : type }
    var values = zip(arguments, function.parameters).map { $0.converted(to: held($1.type)) }
    for instruction in function.instructions {
      let operands = instruction.operands.map { values[$0.index] }
      let type = held(instruction.type)
      switch instruction.operation {
      case .constant(let literal): values.append(writer.constant(literal, type))
      case .extent(let extent): values.append(writer.extent(extent, type))
      case .element(let table): values.append(writer.element(tables[table], operands).converted(to: type))
      case .elementwise(let op) where isWidened:
        values.append(writer.compute(op, operands, instruction.operands.map(function.type), to: instruction.type))
      case .elementwise(let op):
        values.append(writer.apply(op, operands, type: op.has(.typedByResult) ? type : nil))
      }
    }
    self.values = values
  }

  /// What the function yields.
  var results: [ScalarExpression] { function.results.map { values[$0.index] } }

  /// An element that the function reads from a captured tensor of floats.
  struct Read {
    /// The value that it is in the function.
    let value: ScalarValue
    /// The number of the function's captured tensor.
    let table: Int
    /// The values of its indices in the function.
    let indices: [ScalarValue]
  }

  /// The elements of floats that the function reads.
  var reads: [Read] {
    function.instructions.enumerated().compactMap { position, instruction in
      guard case .element(let table) = instruction.operation, instruction.type.isFloat else { return nil }
      return Read(
        value: ScalarValue(function.parameters.count + position), table: table, indices: instruction.operands)
    }
  }

  /// What a value of the function is in the function being written.
  subscript(value: ScalarValue) -> ScalarExpression { values[value.index] }

  /// The constant that a value is, where it is one.
  func constant(_ value: ScalarValue) -> Literal? { function.constant(value) }

  /// The instruction that computes a value, or nil for a parameter.
  func instruction(_ value: ScalarValue) -> ScalarFunction.Instruction? { function.instruction(value) }

  /// The type of a value in the function.
  func type(_ value: ScalarValue) -> ElementType { function.type(value) }

  /// The parameter of this number as a value of the function.
  func parameter(_ position: Int) -> ScalarValue { function.parameter(position) }

  /// The cotangents of all values, given those of the results; a value without one has 0.
  func cotangents(of results: [ScalarExpression?]) -> [ScalarValue: ScalarExpression] {
    var sums: [ScalarValue: ScalarExpression] = [:]
    func add(_ cotangent: ScalarExpression, to value: ScalarValue) {
      guard function.type(value).isFloat else { return }
      sums[value] = sums[value].map { $0 + cotangent } ?? cotangent
    }
    for (result, cotangent) in zip(function.results, results) { if let cotangent { add(cotangent, to: result) } }
    for position in function.instructions.indices.reversed() {
      let value = ScalarValue(function.parameters.count + position)
      let instruction = function.instructions[position]
      guard let cotangent = sums[value], let derivative = derivative(instruction) else { continue }
      let products = derivative.products(cotangent, instruction.operands.map { values[$0.index] }, values[value.index])
      for (operand, product) in zip(instruction.operands, products) { if let product { add(product, to: operand) } }
    }
    return sums
  }

  /// The tangents of the results, given those of parameters and of elements that are read; nil for 0.
  func tangents(_ sources: [ScalarValue: ScalarExpression]) -> [ScalarExpression?] {
    var known = sources
    for (position, instruction) in function.instructions.enumerated() {
      let value = ScalarValue(function.parameters.count + position)
      guard let derivative = derivative(instruction), instruction.type.isFloat else { continue }
      let operands = instruction.operands
      let sum = derivative.tangent(operands.map { known[$0] }, operands.map { values[$0.index] }, values[value.index])
      if let sum { known[value] = sum }
    }
    return function.results.map { known[$0] }
  }

  private func derivative(_ instruction: ScalarFunction.Instruction) -> ElementwiseDerivative? {
    guard case .elementwise(let op) = instruction.operation else { return nil }
    return op.scalar!.derivative
  }
}

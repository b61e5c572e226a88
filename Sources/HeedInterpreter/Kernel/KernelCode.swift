import HeedIR

/// A whole-number expression in postfix order, its symbols replaced by their values.
final class ExpressionCode {
  enum Node {
    case constant(Int)
    case variable(Int)
    case value(Int)
    case load(Int)
    case binary(IntegerExpression.Operator)
  }

  let source: IntegerExpression
  let nodes: [Node]
  /// The places that the nodes load.
  let loads: [AccessCode]
  /// The value, where it is one number.
  let constant: Int?

  init(source: IntegerExpression, nodes: [Node], loads: [AccessCode]) {
    (self.source, self.nodes, self.loads) = (source, nodes, loads)
    if nodes.count == 1, case .constant(let value) = nodes[0] { constant = value } else { constant = nil }
  }
}

/// An access with the extents and strides of its place.
final class AccessCode {
  let source: Access
  /// Its place among the evaluator's memories: buffers, then the tiles of the phase.
  let memory: Int
  let indices: [ExpressionCode]
  let isGuarded: [Bool]
  let extents: [Int]
  let strides: [Int]

  init(source: Access, memory: Int, indices: [ExpressionCode], extents: [Int], strides: [Int]) {
    (self.source, self.memory, self.indices) = (source, memory, indices)
    isGuarded = source.indices.map(\.isGuarded)
    (self.extents, self.strides) = (extents, strides)
  }
}

/// The instructions of a body.
final class BodyCode {
  enum Operation {
    case constant(Literal)
    case index(ExpressionCode)
    case unaryReal(@Sendable (Double) -> Double)
    case unaryInteger(@Sendable (Int64) -> Int64)
    case binaryReal(@Sendable (Double, Double) -> Double)
    case binaryInteger(@Sendable (Int64, Int64) -> Int64)
    case ternaryReal(@Sendable (Double, Double, Double) -> Double)
    case compareReal(@Sendable (Double, Double) -> Bool)
    case compareInteger(@Sendable (Int64, Int64) -> Bool)
    case select
    /// `convert` and `bitcast`, by their definition.
    case general(ScalarSemantics)
    case load(AccessCode, otherwise: Literal)
    case store(AccessCode)
    case accumulate(Body.Reduction, AccessCode)
  }

  struct Instruction {
    var operation: Operation
    var a = 0
    var b = 0
    var c = 0
    /// The type of operand `a`, where there is one.
    var operandType: ElementType
    var type: ElementType
  }

  let source: Body
  let parameterCount: Int
  let instructions: [Instruction]

  init(source: Body, instructions: [Instruction]) {
    (self.source, parameterCount, self.instructions) = (source, source.parameters.count, instructions)
  }
}

/// A variable and its extent.
struct DimensionCode {
  var variable: Int
  var extent: ExpressionCode
}

indirect enum StatementCode {
  case tile(memory: Int)
  case define(Int, ExpressionCode)
  case loop(variable: Int, from: ExpressionCode, to: ExpressionCode, step: Int, body: [StatementCode])
  case branch(ExpressionCode, then: [StatementCode], otherwise: [StatementCode])
  case map([DimensionCode], BodyCode)
  case contract(ContractionCode)
}

final class ContractionCode {
  let domain: [DimensionCode]
  let over: [DimensionCode]
  let left: AccessCode
  let right: AccessCode
  let initial: AccessCode?
  let epilogue: BodyCode

  init(
    domain: [DimensionCode], over: [DimensionCode], left: AccessCode, right: AccessCode, initial: AccessCode?, epilogue: BodyCode
  ) {
    (self.domain, self.over, self.left, self.right) = (domain, over, left, right)
    (self.initial, self.epilogue) = (initial, epilogue)
  }
}

/// Translates a phase for evaluation under a binding of symbols.
struct KernelTranslator {
  let kernel: Kernel
  let symbols: [Name: Int]
  /// Extents and strides of the buffers.
  let shapes: [[Int]]
  let strides: [[Int]]
  /// The tiles of the phase so far, in textual order.
  private(set) var tiles: [Tile] = []

  init(kernel: Kernel, symbols: [Name: Int], shapes: [[Int]], strides: [[Int]]) {
    (self.kernel, self.symbols, self.shapes, self.strides) = (kernel, symbols, shapes, strides)
  }

  func dimensions(_ dimensions: [Dimension]) -> [DimensionCode] {
    dimensions.map { DimensionCode(variable: $0.variable.index, extent: expression($0.extent)) }
  }

  mutating func statements(_ statements: [Statement]) -> [StatementCode] { statements.map { statement($0) } }

  private mutating func statement(_ statement: Statement) -> StatementCode {
    switch statement {
    case .tile(let tile):
      tiles.append(tile)
      return .tile(memory: kernel.buffers.count + tiles.count - 1)
    case .define(let variable, let value): return .define(variable.index, expression(value))
    case .loop(let loop):
      return .loop(
        variable: loop.variable.index, from: expression(loop.from), to: expression(loop.to), step: loop.step,
        body: statements(loop.body))
    case .branch(let condition, let then, let otherwise):
      let condition = expression(condition)
      let then = statements(then)
      return .branch(condition, then: then, otherwise: statements(otherwise))
    case .map(let map): return .map(dimensions(map.dimensions), body(map.body))
    case .contract(let contraction):
      return .contract(
        ContractionCode(
          domain: dimensions([contraction.rows] + contraction.columns), over: dimensions(contraction.over),
          left: access(contraction.left),
          right: access(contraction.right), initial: contraction.initial.map(access), epilogue: body(contraction.epilogue)))
    }
  }

  // MARK: Expressions

  func expression(_ source: IntegerExpression) -> ExpressionCode {
    var nodes: [ExpressionCode.Node] = []
    var loads: [AccessCode] = []
    append(source, to: &nodes, &loads)
    return ExpressionCode(source: source, nodes: nodes, loads: loads)
  }

  private func append(_ expression: IntegerExpression, to nodes: inout [ExpressionCode.Node], _ loads: inout [AccessCode]) {
    switch expression {
    case .constant(let value): nodes.append(.constant(value))
    case .symbol(let name): nodes.append(.constant(symbols[name]!))
    case .variable(let variable): nodes.append(.variable(variable.index))
    case .value(let value): nodes.append(.value(value.index))
    case .load(let source):
      nodes.append(.load(loads.count))
      loads.append(access(source))
    case .binary(let op, let a, let b):
      append(a, to: &nodes, &loads)
      append(b, to: &nodes, &loads)
      // Two constants become one, where the result is one: an error is said when it runs.
      if nodes.count >= 2, case .constant(let x) = nodes[nodes.count - 2], case .constant(let y) = nodes[nodes.count - 1],
        let result = op.apply(x, y)
      {
        nodes.removeLast(2)
        nodes.append(.constant(result))
      } else {
        nodes.append(.binary(op))
      }
    }
  }

  private func access(_ source: Access) -> AccessCode {
    let indices = source.indices.map { expression($0.expression) }
    switch source.place {
    case .buffer(let number):
      return AccessCode(source: source, memory: number, indices: indices, extents: shapes[number], strides: strides[number])
    case .tile(let number):
      let shape = tiles[number].shape
      return AccessCode(
        source: source, memory: kernel.buffers.count + number, indices: indices, extents: shape,
        strides: Self.rowMajorStrides(shape))
    }
  }

  static func rowMajorStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for dimension in Swift.stride(from: shape.count - 2, through: 0, by: -1) {
      strides[dimension] = strides[dimension + 1] * shape[dimension + 1]
    }
    return strides
  }

  // MARK: Bodies

  private func body(_ source: Body) -> BodyCode {
    BodyCode(
      source: source,
      instructions: source.instructions.map { instruction in
        let operands = instruction.operands.map(\.index)
        func operand(_ position: Int) -> Int { position < operands.count ? operands[position] : 0 }
        let operandType = instruction.operands.first.map(source.type) ?? instruction.type
        return BodyCode.Instruction(
          operation: operation(instruction, operandType), a: operand(0), b: operand(1), c: operand(2), operandType: operandType,
          type: instruction.type)
      })
  }

  private func operation(_ instruction: Body.Instruction, _ operandType: ElementType) -> BodyCode.Operation {
    switch instruction.operation {
    case .constant(let literal): return .constant(literal)
    case .index(let source): return .index(expression(source))
    case .load(let source, let otherwise):
      return .load(access(source), otherwise: otherwise ?? (instruction.type.isFloat ? Literal(0.0) : Literal(0)))
    case .store(let source): return .store(access(source))
    case .accumulate(let reduction, let source): return .accumulate(reduction, access(source))
    case .elementwise(let opcode):
      let scalar = Op.with(opcode).scalar!
      switch scalar.rule {
      case .unary(let real, let integer): return operandType.isFloat ? .unaryReal(real!) : .unaryInteger(integer!)
      case .binary(let real, let integer): return operandType.isFloat ? .binaryReal(real!) : .binaryInteger(integer!)
      case .ternary(let real): return .ternaryReal(real)
      case .comparison(let real, let integer): return operandType.isFloat ? .compareReal(real) : .compareInteger(integer)
      case .select: return .select
      case .convert, .bitcast: return .general(scalar)
      }
    }
  }
}

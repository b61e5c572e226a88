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
  /// The same as a sum of multiples of variables, where it is one.
  let linear: AffineExpression?

  init(source: IntegerExpression, nodes: [Node], loads: [AccessCode]) {
    (self.source, self.nodes, self.loads) = (source, nodes, loads)
    if nodes.count == 1, case .constant(let value) = nodes[0] { constant = value } else { constant = nil }
    linear = AffineExpression(nodes)
  }
}

/// A number plus multiples of variables: evaluated without a stack.
struct AffineExpression {
  var constant: Int
  var terms: [(variable: Int, factor: Int)]

  /// Factors, constants and variables are below this, so that no sum leaves 64 bits.
  static let limit = 1 << 28

  /// The form of a postfix expression; nil where it is not linear, or has large numbers or many terms.
  init?(_ nodes: [ExpressionCode.Node]) {
    var stack: [AffineExpression] = []
    for node in nodes {
      switch node {
      case .constant(let value): stack.append(AffineExpression(constant: value, terms: []))
      case .variable(let variable): stack.append(AffineExpression(constant: 0, terms: [(variable, 1)]))
      case .value, .load: return nil
      case .binary(let op):
        let b = stack.removeLast()
        let a = stack.removeLast()
        switch op {
        case .add: stack.append(a.adding(b, times: 1))
        case .subtract: stack.append(a.adding(b, times: -1))
        case .multiply where a.terms.isEmpty: stack.append(AffineExpression(constant: 0, terms: []).adding(b, times: a.constant))
        case .multiply where b.terms.isEmpty: stack.append(AffineExpression(constant: 0, terms: []).adding(a, times: b.constant))
        default: return nil
        }
      }
      let numbers = [stack[stack.count - 1].constant] + stack[stack.count - 1].terms.map(\.factor)
      guard numbers.count <= 16, numbers.allSatisfy({ $0.magnitude < Self.limit }) else { return nil }
    }
    self = stack[0]
  }

  private init(constant: Int, terms: [(variable: Int, factor: Int)]) { (self.constant, self.terms) = (constant, terms) }

  private func adding(_ other: AffineExpression, times factor: Int) -> AffineExpression {
    AffineExpression(
      constant: constant + other.constant * factor, terms: terms + other.terms.map { ($0.variable, $0.factor * factor) })
  }
}

/// An access with the extents and strides of its place.
final class AccessCode {
  let source: Access
  /// Its place among the evaluator's memories: buffers, then the tiles of the phase.
  let memory: Int
  let indices: [ExpressionCode]
  let isGuarded: [Bool]
  let rank: Int
  let extents: [Int]
  let strides: [Int]

  init(source: Access, memory: Int, indices: [ExpressionCode], extents: [Int], strides: [Int]) {
    (self.source, self.memory, self.indices) = (source, memory, indices)
    isGuarded = source.indices.map(\.isGuarded)
    rank = indices.count
    (self.extents, self.strides) = (extents, strides)
    let forms = indices.compactMap(\.linear)
    isLinear = forms.count == indices.count && !isGuarded.contains(true)
    termCounts = .allocate(capacity: indices.count)
    constants = .allocate(capacity: indices.count)
    terms = .allocate(capacity: forms.reduce(0) { $0 + $1.terms.count })
    var next = 0
    for (dimension, form) in forms.enumerated() where isLinear {
      termCounts[dimension] = form.terms.count
      constants[dimension] = form.constant
      for term in form.terms {
        terms[next] = term
        next += 1
      }
    }
    limits = .allocate(capacity: indices.count)
    for dimension in extents.indices { limits[dimension] = (extents[dimension], strides[dimension]) }
  }

  // The indices again where all are linear and none is guarded: most are, and this is what evaluation spends its time on.
  let isLinear: Bool
  private let termCounts: UnsafeMutablePointer<Int>
  private let constants: UnsafeMutablePointer<Int>
  private let terms: UnsafeMutablePointer<(variable: Int, factor: Int)>
  private let limits: UnsafeMutablePointer<(extent: Int, stride: Int)>

  deinit {
    termCounts.deallocate()
    constants.deallocate()
    terms.deallocate()
    limits.deallocate()
  }

  /// The position from the place's start; -1 where an index is outside or a variable is large.
  func linearPosition(_ variables: UnsafeMutablePointer<Int>, rank: Int) -> Int {
    var position = 0
    var term = 0
    var dimension = 0
    while dimension < rank {
      var index = constants[dimension]
      let end = term + termCounts[dimension]
      while term < end {
        let value = variables[terms[term].variable]
        if value >= AffineExpression.limit || value <= -AffineExpression.limit { return -1 }
        index += value * terms[term].factor
        term += 1
      }
      let limit = limits[dimension]
      if index < 0 || index >= limit.extent { return -1 }
      position += index * limit.stride
      dimension += 1
    }
    return position
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
    case ternaryReal(@Sendable (Double, Double, Double, ElementType) -> Double)
    case compareReal(@Sendable (Double, Double) -> Bool)
    case compareInteger(@Sendable (Int64, Int64) -> Bool)
    case select
    case randomBits(@Sendable (Int64, Int64, Int64) -> Int64)
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
  case tile(memory: Int, initial: InitialCode?)
  case define(Int, ExpressionCode)
  case assign(AccessCode, ExpressionCode)
  case compute(BodyCode)
  case loop(variable: Int, from: ExpressionCode, to: ExpressionCode, step: Int, body: [StatementCode])
  case branch(ExpressionCode, then: [StatementCode], otherwise: [StatementCode])
  case cold([StatementCode])
  case map([DimensionCode], BodyCode)
  case contract(ContractionCode)
}

/// What a scalar starts with.
enum InitialCode {
  case literal(Literal)
  case expression(ExpressionCode)
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
      let initial = tile.initial.map(initialCode)
      tiles.append(tile)
      return .tile(memory: kernel.buffers.count + tiles.count - 1, initial: initial)
    case .define(let variable, let value): return .define(variable.index, expression(value))
    case .assign(let target, let value): return .assign(access(target), expression(value))
    case .compute(let body): return .compute(self.body(body))
    case .loop(let loop):
      return .loop(
        variable: loop.variable.index, from: expression(loop.from), to: expression(loop.to), step: loop.step,
        body: statements(loop.body))
    case .branch(let condition, let then, let otherwise):
      let condition = expression(condition)
      let then = statements(then)
      return .branch(condition, then: then, otherwise: statements(otherwise))
    case .cold(let block): return .cold(statements(block))
    case .map(let map): return .map(dimensions(map.dimensions), body(map.body))
    case .contract(let contraction):
      return .contract(
        ContractionCode(
          domain: dimensions([contraction.rows] + contraction.columns), over: dimensions(contraction.over),
          left: access(contraction.left),
          right: access(contraction.right), initial: contraction.initial.map(access), epilogue: body(contraction.epilogue)))
    }
  }

  private func initialCode(_ source: Tile.Initial) -> InitialCode {
    switch source {
    case .literal(let literal): .literal(literal)
    case .expression(let source): .expression(expression(source))
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
    case .verdict(let verdict): nodes.append(.constant(verdict.rawValue))
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
    case .elementwise(let op):
      let scalar = op.scalar!
      switch scalar.rule {
      case .unary(let real, let integer): return operandType.isFloat ? .unaryReal(real!) : .unaryInteger(integer!)
      case .binary(let real, let integer): return operandType.isFloat ? .binaryReal(real!) : .binaryInteger(integer!)
      case .ternary(let real): return .ternaryReal(real)
      case .comparison(let real, let integer): return operandType.isFloat ? .compareReal(real) : .compareInteger(integer)
      case .select: return .select
      case .convert, .bitcast: return .general(scalar)
      case .randomBits(let word): return .randomBits(word)
      }
    }
  }
}

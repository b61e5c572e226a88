import HeedIR

/// A view bound to a parameter of the kernel being built. Broadcast dimensions are dropped, since the kernel indexes what is stored,
/// but for those whose indices are to be guarded: dropping one would drop its guard.
struct BoundView {
  let place: Place
  let element: ElementType
  /// The dimensions of the view that the parameter has.
  let kept: [Int]

  /// The element at the view's `indices`; those of the dimensions in `guarded` may be outside.
  func access(_ indices: [IntegerExpression], guarded: Set<Int> = []) -> Access {
    Access(place, kept.map { Access.Index(indices[$0], isGuarded: guarded.contains($0)) })
  }
}

/// A source bound to the kernel being built.
enum BoundSource {
  case view(BoundView)
  case literal(Literal)
  case iota(dimension: Int)
  case extent(Extent)
}

/// Builds a kernel together with the operands of its call.
struct KernelBuilder {
  private(set) var kernel: Kernel
  private(set) var operands: [Program.Operand] = []
  private var bound: [StridedView: [BoundView]] = [:]
  private var phaseTiles = 0

  init(_ name: Name) { kernel = Kernel(name: name, buffers: []) }

  // MARK: Buffers. Parameters must be added before workspaces.

  /// - Parameter guarding: dimensions whose indices may be outside.
  mutating func input(_ view: StridedView, guarding: Set<Int> = []) -> BoundView {
    if let known = bound[view]?.first(where: { guarding.isSubset(of: $0.kept) }) { return known }
    let new = parameter("x\(operands.count)", .input, view, guarding)
    bound[view, default: []].append(new)
    return new
  }

  mutating func input(_ source: Source) -> BoundSource {
    switch source {
    case .view(let view): .view(input(view))
    case .literal(let literal): .literal(literal)
    case .iota(let dimension): .iota(dimension: dimension)
    case .extent(let extent): .extent(extent)
    }
  }

  mutating func output(
    _ view: StridedView, role: Kernel.Buffer.Role = .output, name: Name = "out", guarding: Set<Int> = []
  ) -> BoundView {
    parameter(name, role, view, guarding)
  }

  private mutating func parameter(
    _ name: Name, _ role: Kernel.Buffer.Role, _ view: StridedView, _ guarding: Set<Int>
  ) -> BoundView {
    precondition(kernel.buffers.allSatisfy { $0.role != .workspace }, "a parameter after a workspace")
    let kept = view.shape.indices.filter { view.strides[$0] != 0 || guarding.contains($0) }
    let stored = view.transposed(kept)
    let taken = kernel.buffers.contains { $0.name == name }
    kernel.buffers.append(
      Kernel.Buffer(
        taken ? Name("\(name)\(operands.count)") : name, role, TensorType(view.element, Shape(stored.shape)),
        strides: stored.isRowMajor ? nil : Shape(stored.strides)))
    operands.append(Program.Operand(buffer: view.buffer, offset: view.offset))
    return BoundView(place: .buffer(kernel.buffers.count - 1), element: view.element, kept: kept)
  }

  mutating func workspace(_ name: Name, _ type: TensorType) -> Place {
    kernel.buffers.append(Kernel.Buffer(name, .workspace, type))
    return .buffer(kernel.buffers.count - 1)
  }

  // MARK: Statements

  mutating func variable(_ name: Name) -> VariableID { kernel.addVariable(name) }

  /// A dimension over a fresh variable, and the variable as an expression.
  mutating func dimension(_ name: Name, _ extent: IntegerExpression) -> (Dimension, IntegerExpression) {
    let variable = kernel.addVariable(name)
    return (Dimension(variable, extent), .variable(variable))
  }

  /// Dimensions `d0`, `d1`, ... of a phase's domain over these extents, and their variables as expressions.
  mutating func domain(_ extents: some Sequence<Extent>) -> (dimensions: [Dimension], indices: [IntegerExpression]) {
    let made = extents.enumerated().map { dimension("d\($0.offset)", IntegerExpression($0.element)) }
    return (made.map(\.0), made.map(\.1))
  }

  /// `let %name = expression`, appended to `block`; constants and variables need no name.
  mutating func define(_ name: Name, _ expression: IntegerExpression, in block: inout [Statement]) -> IntegerExpression {
    switch expression {
    case .constant, .verdict, .variable, .symbol: return expression
    case .value, .load, .binary:
      let variable = kernel.addVariable(name)
      block.append(.define(variable, expression))
      return .variable(variable)
    }
  }

  /// A tile of the phase being built.
  mutating func tile(_ name: Name, _ element: ElementType, _ shape: [Int], in block: inout [Statement]) -> Place {
    block.append(.tile(Tile(name, element, shape)))
    defer { phaseTiles += 1 }
    return .tile(phaseTiles)
  }

  /// `var %name : element = initial`: a mutable scalar of the phase being built. Without an initial value it is undefined until written.
  mutating func scalar(
    _ name: Name, _ element: ElementType, initial: Tile.Initial? = nil, in block: inout [Statement]
  ) -> Place {
    block.append(.tile(Tile(name, element, [], initial: initial)))
    defer { phaseTiles += 1 }
    return .tile(phaseTiles)
  }

  /// `set %scalar = expression`
  func set(_ scalar: Place, _ expression: IntegerExpression, in block: inout [Statement]) {
    set(Access(scalar), expression, in: &block)
  }

  /// `set %place[i] = expression`
  func set(_ access: Access, _ expression: IntegerExpression, in block: inout [Statement]) {
    block.append(.assign(access, expression))
  }

  /// `do { ... }`: a body that runs once.
  func compute(in block: inout [Statement], _ build: (_ body: inout Body) throws -> Void) rethrows {
    var body = Body()
    try build(&body)
    block.append(.compute(body))
  }

  /// Appends a phase, which runs where `condition` holds.
  mutating func phase(_ name: Name, _ domain: [Dimension], when condition: IntegerExpression? = nil, _ body: [Statement]) {
    kernel.phases.append(Kernel.Phase(name: name, domain: domain, condition: condition, body: body))
    phaseTiles = 0
  }

  /// `map` over dimensions named in `dimensions`; `build` gets their variables.
  mutating func map(
    _ dimensions: [(Name, IntegerExpression)], in block: inout [Statement],
    _ build: (_ body: inout Body, _ indices: [IntegerExpression]) throws -> Void
  ) rethrows {
    let dims = dimensions.map { dimension($0.0, $0.1) }
    var body = Body()
    try build(&body, dims.map(\.1))
    block.append(.map(Map(dims.map(\.0), body)))
  }
}

extension BoundSource {
  /// The element at `indices` as a value of type `element`.
  func read(
    _ indices: [IntegerExpression], as element: ElementType, guarded: Set<Int> = [], otherwise: Literal? = nil, in body: inout Body
  ) -> BodyValue {
    switch self {
    case .view(let view): body.load(view.access(indices, guarded: guarded), element, otherwise: otherwise)
    case .literal(let literal): body.append(Body.Instruction(.constant(literal.converted(to: element)!), type: element))
    case .iota(let dimension): body.number(indices[dimension], element)
    case .extent(let extent): body.number(IntegerExpression(extent), element)
    }
  }
}

extension Body {
  /// A whole-number expression as a value of any element type.
  mutating func number(_ expression: IntegerExpression, _ element: ElementType) -> BodyValue {
    if element == .i32 || element == .i64 { return index(expression, element) }
    let wide = index(expression, .i64)
    return append(Instruction(.elementwise(.convert), operands: [wide], type: element))
  }

  func place(of value: BodyValue) -> IntegerExpression { .value(value) }
}

extension IntegerExpression {
  static func smaller(_ a: IntegerExpression, _ b: IntegerExpression) -> IntegerExpression { apply(.minimum, a, b) }

  /// This divided by `divisor`, rounded up.
  func ceilingDivided(by divisor: Int) -> IntegerExpression { (self + .constant(divisor - 1)) / .constant(divisor) }

  /// The number of items in block `block` of `size` when there are `count` in all.
  static func blockSize(_ count: Extent, block start: IntegerExpression, size: Int) -> IntegerExpression {
    if let whole = count.constant, whole % size == 0 { return .constant(size) }
    return smaller(IntegerExpression(count) - start, .constant(size))
  }
}

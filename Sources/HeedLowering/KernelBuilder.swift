package import HeedIR

/// A view bound to a parameter of the kernel being built. Broadcast dimensions are dropped, since the kernel indexes what is
/// stored. Those with guarded indices are kept: dropping one would drop its guard.
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

/// Builds a kernel together with the operands of its call. Statements are appended to the block that is being built: the body of the
/// innermost `phase`, `loop` or `branch`.
package final class KernelBuilder {
  /// The kernel as built so far.
  package private(set) var kernel: Kernel
  private(set) var operands: [Program.Operand] = []
  private var bound: [StridedView: [BoundView]] = [:]
  private var phaseTiles = 0
  private var block: [Statement] = []

  /// A kernel without buffers and phases.
  package init(_ name: Name) { kernel = Kernel(name: name, buffers: []) }

  /// A kernel called after an op.
  convenience init(_ op: Op) { self.init(Name(op.mnemonic)) }

  // MARK: Buffers. Parameters must be added before workspaces.

  /// - Parameter guarding: dimensions whose indices may be outside.
  func input(_ view: StridedView, guarding: Set<Int> = []) -> BoundView {
    if let known = bound[view]?.first(where: { guarding.isSubset(of: $0.kept) }) { return known }
    let new = parameter("x\(operands.count)", .input, view, guarding)
    bound[view, default: []].append(new)
    return new
  }

  func input(_ source: Source) -> BoundSource {
    switch source {
    case .view(let view): .view(input(view))
    case .literal(let literal): .literal(literal)
    case .iota(let dimension): .iota(dimension: dimension)
    case .extent(let extent): .extent(extent)
    }
  }

  func output(
    _ view: StridedView, role: Kernel.Buffer.Role = .output, name: Name = "out", guarding: Set<Int> = []
  ) -> BoundView {
    // A state that is read and replaced in its place is one parameter.
    if role == .output, let known = bound[view]?.first(where: { guarding.isSubset(of: $0.kept) }),
      case .buffer(let number) = known.place
    {
      kernel.buffers[number].role = .readWrite
      return known
    }
    return parameter(name, role, view, guarding)
  }

  private func parameter(_ name: Name, _ role: Kernel.Buffer.Role, _ view: StridedView, _ guarding: Set<Int>) -> BoundView {
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

  /// A buffer that the runtime gives for the time of a call.
  package func workspace(_ name: Name, _ type: TensorType) -> Place {
    kernel.buffers.append(Kernel.Buffer(name, .workspace, type))
    return .buffer(kernel.buffers.count - 1)
  }

  // MARK: Variables and dimensions

  /// A dimension over a fresh variable, and the variable as an expression.
  package func dimension(_ name: Name, _ extent: IntegerExpression) -> (Dimension, IntegerExpression) {
    let variable = kernel.addVariable(name)
    return (Dimension(variable, extent), .variable(variable))
  }

  /// Dimensions of a phase's domain with these names and extents, and their variables as expressions.
  package func domain(_ named: [(name: Name, extent: Extent)]) -> (dimensions: [Dimension], indices: [IntegerExpression]) {
    let made = named.map { dimension($0.name, IntegerExpression($0.extent)) }
    return (made.map(\.0), made.map(\.1))
  }

  /// Dimensions `d0`, `d1`, ... of a phase's domain over these extents, and their variables as expressions.
  package func domain(_ extents: some Sequence<Extent>) -> (dimensions: [Dimension], indices: [IntegerExpression]) {
    domain(extents.enumerated().map { (Name("d\($0.offset)"), $0.element) })
  }

  // MARK: Statements

  /// Appends a statement to the block being built.
  package func append(_ statement: Statement) { block.append(statement) }

  /// The statements that `build` appends, in a block of their own.
  package func collect(_ build: () throws -> Void) rethrows -> [Statement] {
    let outer = block
    block = []
    defer { block = outer }
    try build()
    return block
  }

  /// A phase whose body is what `build` appends.
  /// - Parameter condition: the phase runs only where it holds; nil runs it always.
  package func phase(
    _ name: Name, _ domain: [Dimension], when condition: IntegerExpression? = nil, _ build: () throws -> Void
  ) rethrows {
    let body = try collect(build)
    kernel.phases.append(Kernel.Phase(name: name, domain: domain, condition: condition, body: body))
    phaseTiles = 0
  }

  /// `for %name = from to end step s { }`; `build` gets the variable.
  package func loop(
    _ name: Name, from: IntegerExpression = 0, to end: IntegerExpression, step: Int = 1,
    _ build: (_ index: IntegerExpression) throws -> Void
  ) rethrows {
    let variable = kernel.addVariable(name)
    let body = try collect { try build(.variable(variable)) }
    block.append(.loop(Loop(variable, from: from, to: end, step: step, body: body)))
  }

  /// Loops from 0 to each of these ends, the first one outermost; `build` gets their variables.
  package func nest(
    _ loops: [(name: Name, end: IntegerExpression)], _ build: (_ indices: [IntegerExpression]) throws -> Void
  ) rethrows {
    func nest(_ rest: ArraySlice<(name: Name, end: IntegerExpression)>, _ indices: [IntegerExpression]) throws {
      guard let outer = rest.first else { return try build(indices) }
      try loop(outer.name, to: outer.end) { try nest(rest.dropFirst(), indices + [$0]) }
    }
    try nest(loops[...], [])
  }

  /// `if condition { } else { }`; only the block that runs, where that is known.
  package func branch(
    _ condition: IntegerExpression, _ then: () throws -> Void, otherwise: () throws -> Void
  ) rethrows {
    if let known = condition.constantValue { return try known != 0 ? then() : otherwise() }
    let (first, second) = (try collect(then), try collect(otherwise))
    block.append(.branch(condition: condition, then: first, otherwise: second))
  }

  /// `if condition { }`
  package func branch(_ condition: IntegerExpression, _ then: () throws -> Void) rethrows {
    try branch(condition, then, otherwise: {})
  }

  /// `cold { }`: what rarely runs.
  package func cold(_ build: () throws -> Void) rethrows { block.append(.cold(try collect(build))) }

  /// `let %name = expression`; constants and variables need no name.
  package func define(_ name: Name, _ expression: IntegerExpression) -> IntegerExpression {
    switch expression {
    case .constant, .verdict, .variable, .symbol: return expression
    case .value, .load, .binary:
      let variable = kernel.addVariable(name)
      block.append(.define(variable, expression))
      return .variable(variable)
    }
  }

  /// A tile of the phase being built.
  package func tile(_ name: Name, _ element: ElementType, _ shape: [Int]) -> Place {
    block.append(.tile(Tile(name, element, shape)))
    defer { phaseTiles += 1 }
    return .tile(phaseTiles)
  }

  /// `map` over dimensions named in `dimensions`; `build` gets their variables.
  package func map(
    _ dimensions: [(Name, IntegerExpression)],
    _ build: (_ body: inout BodyBuilder, _ indices: [IntegerExpression]) throws -> Void
  ) rethrows {
    let dims = dimensions.map { dimension($0.0, $0.1) }
    var body = BodyBuilder()
    try build(&body, dims.map(\.1))
    block.append(.map(Map(dims.map(\.0), body.finish())))
  }

  /// Appends a contraction.
  package func contract(_ contraction: Contraction) { block.append(.contract(contraction)) }

  // MARK: Scalars

  /// `var %name : element = initial`: a mutable scalar of the block being built.
  package func scalar(_ name: Name, _ element: ElementType, initial: Tile.Initial? = nil) -> Scalar {
    block.append(.tile(Tile(name, element, [], initial: initial)))
    defer { phaseTiles += 1 }
    return Scalar(access: Access(.tile(phaseTiles)))
  }

  /// `do { ... }`: instructions that run once.
  package func compute(_ build: (_ body: inout BodyBuilder) throws -> Void) rethrows {
    var body = BodyBuilder()
    try build(&body)
    block.append(.compute(body.finish()))
  }

  /// `set %scalar = expression`
  package func set(_ scalar: Scalar, _ expression: IntegerExpression) { set(scalar.access, expression) }

  /// As for a scalar, with an element of an integer buffer.
  package func set(_ element: Access, _ expression: IntegerExpression) { block.append(.assign(element, expression)) }
}

/// A mutable scalar of a kernel.
package struct Scalar {
  /// Where it is.
  package let access: Access
  /// Its value where an expression reads it; it must be a whole number.
  package var value: IntegerExpression { .load(access) }
  /// A condition: whether it is not 0.
  package var isSet: IntegerExpression { .notEqual(value, 0) }
}

extension BoundSource {
  /// The element at `indices` as a value of type `element`.
  func read(
    _ indices: [IntegerExpression], as element: ElementType, guarded: Set<Int> = [], otherwise: Literal? = nil,
    in body: inout BodyBuilder
  ) -> BodyValue {
    switch self {
    case .view(let view): body.load(view.access(indices, guarded: guarded), element, otherwise: otherwise)
    case .literal(let literal): body.constant(literal.converted(to: element)!, element)
    case .iota(let dimension): body.index(indices[dimension], element)
    case .extent(let extent): body.index(IntegerExpression(extent), element)
    }
  }
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

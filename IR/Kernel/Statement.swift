/// A step of a phase's body.
public indirect enum Statement: Hashable, Sendable {
  /// `tile %scores : f32[96, 384]`, or a mutable scalar: `var %moved : i32 = 0`. In scope to the end of the block; undefined until
  /// written, each time anew. Tiles and scalars are numbered together, in textual order within a phase.
  case tile(Tile)
  /// `let %n = min(S - %j, 384)`
  case define(VariableID, IntegerExpression)
  /// `set %found = %a == 1`: a whole number, wrapped to the integer type of the `var` or the element. No index is guarded.
  case assign(Access, IntegerExpression)
  /// `do { ... }`: the body once, its instructions in order.
  case compute(Body)
  /// `for %j = from to end step s { ... }`: sequential; the body sees the tiles as the iteration before left them.
  case loop(Loop)
  /// `if condition { ... } else { ... }`
  case branch(condition: IntegerExpression, then: [Statement], otherwise: [Statement])
  /// `cold { ... }`: a block that rarely runs. Code generation makes a function of it, so that it costs what surrounds it no registers.
  case cold([Statement])
  case map(Map)
  case contract(Contraction)
}

/// Memory of a block: scratch memory with constant extents, aligned to 64 bytes; or without a shape a scalar, written `var`, which lives
/// in a register and is addressed without indices.
public struct Tile: Hashable, Sendable {
  /// The name in text.
  public var name: Name
  /// The type of each element.
  public var element: ElementType
  /// The extents, outermost first; empty for a scalar.
  public var shape: [Int]
  /// What a scalar starts with; nil for undefined.
  public var initial: Initial?

  /// What a scalar starts with.
  public enum Initial: Hashable, Sendable {
    /// Of a float type or bool: a value of the type.
    case literal(Literal)
    /// Of an integer type: a whole number, wrapped to the type.
    case expression(IntegerExpression)
  }

  /// A tile of this name, element type and shape, or a scalar.
  public init(_ name: Name, _ element: ElementType, _ shape: [Int], initial: Initial? = nil) {
    (self.name, self.element, self.shape, self.initial) = (name, element, shape, initial)
  }

  /// Whether this is a mutable scalar, written `var`.
  public var isScalar: Bool { shape.isEmpty }
}

extension Tile.Initial: ExpressibleByIntegerLiteral {
  /// A whole number, for a scalar of an integer type.
  public init(integerLiteral value: Int) { self = .expression(.constant(value)) }

  /// A number for a scalar of type `element`, which must have it as a value.
  public init(_ number: Literal, as element: ElementType) {
    self = element.isInteger ? .expression(.constant(Int(number.integer))) : .literal(number)
  }
}

extension Statement {
  /// The number of tiles and scalars that the statement declares, nested blocks included.
  package var tileCount: Int {
    switch self {
    case .tile: 1
    case .loop(let loop): loop.body.tileCount
    case .branch(_, let then, let otherwise): then.tileCount + otherwise.tileCount
    case .cold(let statements): statements.tileCount
    case .define, .assign, .compute, .map, .contract: 0
    }
  }
}

extension [Statement] {
  /// The number of tiles and scalars that the statements declare, nested blocks included.
  package var tileCount: Int { reduce(0) { $0 + $1.tileCount } }
}

/// A sequential loop: the body for `variable` = `from`, `from + step`, and so on below `to`.
public struct Loop: Hashable, Sendable {
  /// The loop variable.
  public var variable: VariableID
  /// The first value.
  public var from: IntegerExpression
  /// The bound, which the variable stays below.
  public var to: IntegerExpression
  /// The distance between values, at least 1.
  public var step: Int
  /// What runs for one value, in order.
  public var body: [Statement]

  /// A loop over `from`, `from + step`, and so on below `to`.
  public init(_ variable: VariableID, from: IntegerExpression, to: IntegerExpression, step: Int, body: [Statement]) {
    (self.variable, self.from, self.to, self.step, self.body) = (variable, from, to, step, body)
  }
}

/// `map (%r : 96, %c : 384) { ... }`: the body for every point of a box.
///
/// Iterations are independent except for `accumulate`: none may read what another one stores, and no two may store to one element.
/// The last dimension is vectorised. A body neither loads nor stores what it accumulates in.
/// An accumulation runs over the dimensions that its target does not mention. Over the outer ones it runs in order. Over the last
/// one it keeps one partial result per vector lane; these are combined pairwise at the end.
public struct Map: Hashable, Sendable {
  /// At least one dimension, outermost first.
  public var dimensions: [Dimension]
  /// What runs for one point.
  public var body: Body

  /// The body for every point of the box of `dimensions`.
  public init(_ dimensions: [Dimension], _ body: Body) { (self.dimensions, self.body) = (dimensions, body) }
}

/// `contract (%r : 96) x (%p : 8, %c : 48) over (%d : 64) %q[%r, %d] * %k[%p, %d, %c] from %o[...] as %x : f32 { ... }`: sums of
/// products with accumulators in registers.
///
/// For every row and column, the accumulator starts at `initial` (or 0) and takes one product after another, in order of `over`,
/// each by a fused multiply-add. Where the target has no such instruction, product and sum are rounded separately. Where both
/// operands have unit stride along the last of `over`, and `right` has none along the columns, there is one partial sum per vector
/// lane; these are added pairwise at the end. Pairs of bf16 that lie side by side may be added by one instruction. Then the
/// epilogue runs with the accumulator as its first value.
public struct Contraction: Hashable, Sendable {
  /// The rows of the result.
  public var rows: Dimension
  /// One dimension, or panels and the columns within one. The last is vectorised; `right` has unit stride in it for speed.
  public var columns: [Dimension]
  /// The dimensions that are summed over, outermost first.
  public var over: [Dimension]
  /// The left operand, indexed by `rows` and `over`, not by `columns`. Like `right` and `initial`, it has a float type that is not
  /// wider than the accumulator, and no guards.
  public var left: Access
  /// The right operand, indexed by `columns` and `over`, not by `rows`.
  public var right: Access
  /// Where the next operands like `right` are, with the same indices: a prefetch where that pays. It does not change the result.
  public var ahead: Access?
  /// What the accumulators start at, indexed by rows and columns; nil for 0.
  public var initial: Access?
  /// The type of the sums: f32 or f64.
  public var accumulator: ElementType
  /// What is done with each sum. Its value 0 is the accumulator. It sees rows and columns, and does not store to `left` or `right`.
  public var epilogue: Body

  /// A contraction of `left` and `right` over `over`.
  public init(
    rows: Dimension, columns: [Dimension], over: [Dimension], left: Access, right: Access, ahead: Access? = nil,
    initial: Access? = nil, accumulator: ElementType = .f32, epilogue: Body
  ) {
    self.ahead = ahead
    (self.rows, self.columns, self.over, self.left, self.right) = (rows, columns, over, left, right)
    (self.initial, self.accumulator, self.epilogue) = (initial, accumulator, epilogue)
  }
}

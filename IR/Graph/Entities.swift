/// A value of a graph: an argument or a result of a node. An index into the graph's arena.
public struct ValueID: Hashable, Sendable, Comparable {
  /// The position in the arena.
  public let index: Int32
  /// The value at this position of the arena.
  public init(_ index: Int) { self.index = Int32(index) }
  /// The order in which values were made.
  public static func < (left: ValueID, right: ValueID) -> Bool { left.index < right.index }
}

/// A node of a graph. An index into the graph's arena.
public struct NodeID: Hashable, Sendable, Comparable {
  /// The position in the arena.
  public let index: Int32
  /// The node at this position of the arena.
  public init(_ index: Int) { self.index = Int32(index) }
  /// The order in which nodes were made.
  public static func < (left: NodeID, right: NodeID) -> Bool { left.index < right.index }
}

/// Consecutive entries of one of the graph's pools.
struct PoolRange: Hashable, Sendable {
  var start: Int32
  var count: Int32

  var indices: Range<Int> { Int(start)..<Int(start + count) }
}

/// A node: an op applied to values. What varies in number is kept in the graph's pools.
struct NodeRecord: Sendable {
  var op: Op
  var operands: PoolRange
  var attributes: PoolRange
  var regions: PoolRange
  /// The first result; the others have the ids that follow.
  var firstResult: ValueID
  var resultCount: Int32
  /// The position of the graph that the node runs, or -1.
  var body: Int32
  /// The innermost block around the node, or nil.
  var block: BlockID?
}

/// Where a value comes from.
public enum ValueOrigin: Hashable, Sendable {
  /// The argument of the graph at this position.
  case argument(Int)
  case node(NodeID, result: Int)
}

struct ValueRecord: Sendable {
  var type: TensorType
  var name: Name
  var origin: ValueOrigin
  /// The position of its place in the user's source among the graph's places, or -1.
  var place: Int32 = -1
}

/// What a caller passes to a graph.
public struct Argument: Hashable, Sendable {
  /// When a caller binds the argument.
  public enum Role: Hashable, Sendable {
    /// Bound at each call.
    case input
    /// Bound once, when the compiled graph is loaded: weights.
    case parameter
    /// Read and replaced by each call: weights in training, moments of an optimiser, a cache of keys. See `Graph.updates`.
    case state
  }

  /// The value that stands for the argument in the graph.
  public var value: ValueID
  /// When the argument is bound.
  public var role: Role
  /// Of a state, the number that fills it before the first call; nil where a caller must give it.
  public var initial: Literal?

  /// An argument that this value stands for.
  public init(value: ValueID, role: Role, initial: Literal? = nil) {
    (self.value, self.role, self.initial) = (value, role, initial)
  }
}

/// What a graph promises about its extents: used in proofs, checked at each call.
public enum Fact: Hashable, Sendable, CustomStringConvertible {
  case divisible(Extent, by: Int)
  case equal(Extent, Extent)
  /// The symbol is the square root of the extent, rounded up: its value follows from the extent's.
  case squareRoot(Name, of: Extent)

  /// The symbols that the fact mentions.
  package var symbols: [Name] {
    switch self {
    case .divisible(let extent, _): extent.symbols
    case .equal(let left, let right): left.symbols + right.symbols
    case .squareRoot(let root, let extent): [root] + extent.symbols
    }
  }

  /// The fact as IR writes it: `S % 16 == 0`, `S == T`, `K == sqrt(S)`.
  public var description: String {
    switch self {
    case .divisible(let extent, let divisor):
      extent.terms.count > 1 ? "(\(extent)) % \(divisor) == 0" : "\(extent) % \(divisor) == 0"
    case .equal(let left, let right): "\(left) == \(right)"
    case .squareRoot(let root, let extent): "\(root) == sqrt(\(extent))"
    }
  }
}

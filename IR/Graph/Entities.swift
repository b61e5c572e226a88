/// A value of a graph: an argument or a result of a node. An index into the graph's arena.
public struct ValueID: Hashable, Sendable, Comparable {
  public let index: Int32
  public init(_ index: Int) { self.index = Int32(index) }
  public static func < (left: ValueID, right: ValueID) -> Bool { left.index < right.index }
}

/// A node of a graph. An index into the graph's arena.
public struct NodeID: Hashable, Sendable, Comparable {
  public let index: Int32
  public init(_ index: Int) { self.index = Int32(index) }
  public static func < (left: NodeID, right: NodeID) -> Bool { left.index < right.index }
}

/// A run of entries of one of the graph's pools.
struct PoolRange: Hashable, Sendable {
  var start: Int32
  var count: Int32

  var indices: Range<Int> { Int(start)..<Int(start + count) }
}

/// A node: an op applied to values. What varies in number stands in the graph's pools.
struct NodeRecord: Sendable {
  var op: Op
  var operands: PoolRange
  var attributes: PoolRange
  var regions: PoolRange
  /// The results are values of consecutive ids.
  var firstResult: ValueID
  var resultCount: Int32
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
}

/// What a caller gives to a graph.
public struct Argument: Hashable, Sendable {
  public enum Role: Hashable, Sendable {
    /// Bound at each call.
    case input
    /// Bound once, when the compiled graph is loaded: weights.
    case parameter
  }

  public var value: ValueID
  public var role: Role
}

/// What a graph promises about its extents: used in proofs, checked at each call.
public enum Fact: Hashable, Sendable, CustomStringConvertible {
  case divisible(Extent, by: Int)
  case equal(Extent, Extent)

  public var description: String {
    switch self {
    case .divisible(let extent, let divisor):
      extent.terms.count > 1 ? "(\(extent)) % \(divisor) == 0" : "\(extent) % \(divisor) == 0"
    case .equal(let left, let right): "\(left) == \(right)"
    }
  }
}

public import HeedArrays

/// What a call of a compiled graph returns: arrays by position, in the order of the graph's `return`, or by name.
public struct Outputs: RandomAccessCollection, Sendable {
  /// The names of the graph's results; one without a name is called `result0`, `result1` and so on by its position.
  public let names: [String]
  private let arrays: [NDArray]

  init(names: [String], _ arrays: [NDArray]) { (self.names, self.arrays) = (names, arrays) }

  /// The first position, 0.
  public var startIndex: Int { 0 }
  /// The number of results.
  public var endIndex: Int { arrays.count }
  /// The result at this position of the graph's `return`.
  public subscript(position: Int) -> NDArray { arrays[position] }

  /// The result called `name`, or nil.
  public subscript(name: String) -> NDArray? { names.firstIndex(of: name).map { arrays[$0] } }
}

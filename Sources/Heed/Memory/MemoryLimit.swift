/// The most memory that a call of a compiled graph may take.
///
/// ```swift
/// let program = try step.compile(CompileOptions(memoryLimit: MemoryLimit(2 << 30, sizes: ["B": 16])))
/// ```
///
/// It counts what `MemoryPlan.total` counts: arguments, states, results and workspace. Where a call would take more, values are not kept
/// but computed again when they are needed, those first that cost the least time for each byte. The bits of results are the same.
public struct MemoryLimit: Hashable, Sendable {
  /// The most bytes.
  public var byteCount: Int
  /// The lengths at which the limit holds, by symbol. Calls of other lengths run as well, in the memory that they then take.
  public var sizes: [String: Int]

  /// A limit of so many bytes.
  /// - Parameter sizes: the values of all symbols of the graph; none where all extents are fixed.
  public init(_ byteCount: Int, sizes: [String: Int] = [:]) { (self.byteCount, self.sizes) = (byteCount, sizes) }
}

/// The most memory that a call of a compiled graph may take.
///
/// ```swift
/// let program = try step.compile(CompileOptions(memoryLimit: MemoryLimit(2 << 30, sizes: ["B": 16])))
/// ```
///
/// It counts what `MemoryPlan.total` counts: arguments, states, results and workspace. A call that would take more fails before it starts;
/// so does loading parameters. Where a call of the sizes given would take more, values are not kept but computed again when they are needed,
/// those first that cost the least time for each byte. The bits of results are the same.
public struct MemoryLimit: Hashable, Sendable {
  /// The most bytes.
  public var byteCount: Int
  /// The lengths, by symbol, at which values are computed again so that the limit holds. Without them, the limit is only compared with what
  /// calls take.
  public var sizes: [String: Int]

  /// A limit of so many bytes.
  /// - Parameter sizes: the values of all symbols of the graph for which it is compiled to meet the limit, or none.
  public init(_ byteCount: Int, sizes: [String: Int] = [:]) { (self.byteCount, self.sizes) = (byteCount, sizes) }
}

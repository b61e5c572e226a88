public import HeedIR

/// Passes in the order in which they run, and what to do between them.
public struct PassPipeline: Sendable {
  /// The passes, in the order in which they run.
  public var passes: [GraphPass]
  /// Whether the graph is verified after each pass, not just after the last.
  public var verifiesEach = false
  /// After which passes `observe` sees the graph.
  public var printAfter: PrintAfter = .none
  /// Sees the graph after the passes that `printAfter` selects: the pass's name and the graph.
  public var observe: (@Sendable (String, Graph) -> Void)?

  /// A choice of passes by name.
  public enum PrintAfter: Sendable {
    case none
    case all
    case passes(Set<String>)

    func includes(_ name: String) -> Bool {
      switch self {
      case .none: false
      case .all: true
      case .passes(let names): names.contains(name)
      }
    }
  }

  /// How long a pass took.
  public struct Timing: Sendable {
    /// The pass's name.
    public let pass: String
    /// Its wall time.
    public let duration: Duration
  }

  /// The graph that a pipeline made, and what the passes said about it.
  public struct Outcome: Sendable {
    /// The graph after all passes.
    public let graph: Verified<Graph>
    /// What the passes said, in order.
    public let remarks: [Remark]
    /// One entry per pass, in the order in which they ran.
    public let timings: [Timing]
    /// The tiles that were set, in order.
    public let tileChoices: [TileChoice]
  }

  /// A pipeline of these passes.
  public init(_ passes: [GraphPass] = Self.standardPasses) { self.passes = passes }

  /// The pipeline that `names` lists, separated by commas: `simplify,fuse-attention`.
  /// - Throws: where a name, an empty one included, is not that of a pass; the error lists the names.
  public init(parsing names: some StringProtocol) throws {
    self.init(
      try names.split(separator: ",", omittingEmptySubsequences: false).map { name in
        try GraphPass.named(name.drop { $0 == " " })
      })
  }

  /// The order in which a graph is compiled, and why:
  public static let standardPasses: [GraphPass] = [
    // Before anything is folded into its users.
    .keepDifferentiated,
    // Scalars that are written as arithmetic (1/sqrt(64)) become numbers, which the matchers look for.
    .foldConstants,
    // Views and identities go, so that matchers meet a contract where the writer put a transposed contract.
    .simplify,
    // Equal values become one value: a written-out softmax divides a value by the sum of the *same* value.
    .eliminateCommonSubexpressions,
    // Uses are counted from here on, and a dead use must not count.
    .eliminateDeadNodes,
    // The spellings of attention become one: contract, score arithmetic, softmax, contract.
    .canonicalizeAttention,
    // What canonicalisation took apart may have left numbers, identities and equal values behind.
    .foldConstants, .simplify, .eliminateCommonSubexpressions, .eliminateDeadNodes,
    // Before the other fusions, which would take its elementwise ops and its contracts.
    .fuseAttention,
    // Behind it, since a product with an attention's values is its own. Before derivatives, which are then of what is fused.
    .reduceProducts,
    // The views that they put around their operands may be there already.
    .eliminateCommonSubexpressions,
    // Derivatives of what is fused. Their rules write each op by itself, so that there is something to fold and to share.
    .expandDerivatives, .foldConstants, .simplify, .eliminateCommonSubexpressions, .eliminateDeadNodes,
    // Before elementwise fusion: an epilogue in registers beats a pass over memory.
    .fuseLinear,
    // What no product took.
    .fuseElementwise,
    .eliminateDeadNodes,
    // Last: it reads the regions that fusion made.
    .chooseTiles,
  ]

  /// Runs the passes on a copy of `graph` and verifies what they made.
  /// - Parameter tunedTiles: tiles that were found by measuring on `target`.
  /// - Throws: what a pass or the verifier finds; the error names the pass.
  public func run(_ graph: Graph, target: Target, tunedTiles: TunedTiles = TunedTiles()) throws -> Outcome {
    var graph = graph
    var context = PassContext(target: target, tunedTiles: tunedTiles)
    var timings: [Timing] = []
    let clock = ContinuousClock()
    for pass in passes {
      let duration = try clock.measure { try pass.run(&graph, &context) }
      timings.append(Timing(pass: pass.name, duration: duration))
      if verifiesEach { try verify(graph, after: pass) }
      if printAfter.includes(pass.name) { observe?(pass.name, graph) }
    }
    return Outcome(graph: try Verified(graph), remarks: context.remarks, timings: timings, tileChoices: context.tileChoices)
  }

  private func verify(_ graph: Graph, after pass: GraphPass) throws {
    do { _ = try Verified(graph) } catch let error as HeedError { throw error.during("after \(pass.name)") }
  }
}

public import HeedIR

/// A rewriting of graphs that keeps what they compute, under a name.
///
/// A pass is one file: a static member of this type whose doc comment shows the graph before and after and says why the step is
/// legal. Naming it in `all` makes it known to pipelines, tests and the command.
public struct GraphPass: Sendable {
  /// The name in text and on the command line: `fuse-attention`.
  public let name: String
  /// What it does, in one line.
  public let summary: String
  private let body: @Sendable (inout Graph, inout PassContext) throws -> Void

  /// A pass whose `run` rewrites a graph and makes remarks in its context.
  public init(_ name: String, summary: String, run: @escaping @Sendable (inout Graph, inout PassContext) throws -> Void) {
    (self.name, self.summary, body) = (name, summary, run)
  }

  /// Rewrites `graph`; remarks go to the context.
  /// - Throws: where the graph is beyond what the pass can handle; the error names the pass.
  public func run(_ graph: inout Graph, _ context: inout PassContext) throws {
    context.pass = name
    do { try rewrite(&graph, &context) } catch let error as HeedError { throw error.during(name) }
  }

  /// Rewrites the bodies of the graph's nodes, then the graph itself.
  private func rewrite(_ graph: inout Graph, _ context: inout PassContext) throws {
    for node in graph.body {
      guard var nested = graph.bodyGraph(node) else { continue }
      try rewrite(&nested, &context)
      graph.setBodyGraph(node, nested)
    }
    try body(&graph, &context)
  }
}

extension GraphPass {
  /// Every pass there is, in the order of the default pipeline.
  public static let all: [GraphPass] = [
    .keepDifferentiated, .foldConstants, .simplify, .eliminateCommonSubexpressions, .eliminateDeadNodes, .canonicalizeAttention,
    .fuseAttention, .reduceProducts, .expandDerivatives, .fuseLinear, .fuseElementwise, .chooseTiles,
  ]

  /// The pass called `name`.
  /// - Throws: where there is none; the error lists the names.
  public static func named(_ name: some StringProtocol) throws -> GraphPass {
    guard let pass = all.first(where: { $0.name == name }) else {
      throw HeedError("got the pass '\(name)', expected one of \(all.map(\.name).joined(separator: ", "))")
    }
    return pass
  }
}

/// What passes see besides the graph, and where their remarks go.
public struct PassContext: Sendable {
  /// What code will be generated for.
  public let target: Target
  /// Tiles that were found by measuring on that target.
  public let tunedTiles: TunedTiles
  /// The tiles that were set, in order.
  public internal(set) var tileChoices: [TileChoice] = []
  /// What the passes said, in order; a remark that was made before is not made again.
  public private(set) var remarks: [Remark] = []
  var pass = ""
  private var made: Set<Remark> = []

  /// A context without remarks.
  public init(target: Target, tunedTiles: TunedTiles = TunedTiles()) {
    (self.target, self.tunedTiles) = (target, tunedTiles)
  }

  /// Says `message` about `value` of `graph`; what has no name is described by what it is made from.
  /// - Parameter storedBytes: the size of what is stored because of what the remark says.
  mutating func remark(
    _ kind: Remark.Kind, _ value: ValueID, in graph: Graph, _ message: String, storing storedBytes: Extent? = nil
  ) {
    var remark = Remark(kind, pass: pass, about: value, in: graph, message)
    remark.storedBytes = storedBytes
    if made.insert(remark).inserted { remarks.append(remark) }
  }
}

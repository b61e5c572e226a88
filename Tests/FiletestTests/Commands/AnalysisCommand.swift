import HeedAnalysis
import HeedIR
import HeedTestSupport

extension FiletestCommand {
  /// `// test analysis`: what is proved of the masks of the case's attention ops, so that proofs are reviewed as text.
  ///
  /// Lines `// rectangle queries 0...47 keys 384...767` in the header ask for the verdict over those pairs, for the first batch indices.
  /// Tables that the mask reads are `input` lines, and symbols that it mentions are bound, as for `run`.
  static let analysis = FiletestCommand(name: "analysis") { test, arguments, path in
    guard arguments.isEmpty else { throw HeedError("got 'test analysis \(arguments[0])', expected nothing after 'analysis'") }
    var lines: [String] = []
    for graph in try IRText.graphs(test, path) {
      for node in graph.body where graph.op(node) == .attention {
        if !lines.isEmpty { lines.append("") }
        lines += try MaskReport(graph, node, test).lines()
      }
    }
    guard !lines.isEmpty else { throw HeedError("got no attention, expected one whose mask is analysed") }
    var result = test
    result.setSection("expected", lines)
    return result
  }
}

/// The analysis of the mask of one attention op, in lines of text.
private struct MaskReport {
  private let mask: MaskAnalysis
  private let batch: [Int]
  private let tables: [ReferenceArray]
  private let binding: [Name: Int]
  private let rectangles: [(queries: ClosedRange<Int>, keys: ClosedRange<Int>)]

  init(_ graph: Graph, _ node: NodeID, _ test: Filetest.Case) throws {
    mask = try MaskAnalysis(graph.regions(node).last!)
    batch = mask.condition.parameters.dropLast(2).map { _ in 0 }
    rectangles = try test.directives("rectangle").map { line in
      guard let match = line.wholeMatch(of: #/queries (\d+)\.\.\.(\d+) keys (\d+)\.\.\.(\d+)/#) else {
        throw HeedError("got the rectangle '\(line)', expected a form such as 'queries 0...47 keys 384...767'")
      }
      let ends = [match.1, match.2, match.3, match.4].map { Int($0)! }
      guard ends[0] <= ends[1], ends[2] <= ends[3] else { throw HeedError("got the empty rectangle '\(line)'") }
      return (ends[0]...ends[1], ends[2]...ends[3])
    }
    let inputs = try RunInputs(test)
    binding = inputs.binding
    let read = mask.condition.readTables
    tables = try graph.operands(node).dropFirst(3).enumerated().map { number, value in
      let type = graph.type(value)
      guard read.contains(number), !test.directives("rectangle").isEmpty else { return ReferenceArray(type.element, [0]) }
      return try inputs.array(
        graph.name(value), type.element, type.shape.evaluate { inputs.binding[$0] }, position: number)
    }
  }

  func lines() throws -> [String] {
    var lines = ["mask: \(mask.condition.formula)"]
    if mask.conjuncts.count > 1 { lines += mask.conjuncts.enumerated().map { "part \($0.offset): \($0.element.formula)" } }
    lines += mask.terms.enumerated().map { number, term in
      let batch = term.batch.isEmpty ? "" : ", for each index of the batch dimensions \(term.batch)"
      return "term t\(number) (\(term.side)\(batch)): \(term.function.formula)"
    }
    lines.append(
      "empty rows: "
        + words(
          try mask.emptyRows(hasOwnKeys: true), own: "none, a query sees its own key", first: "none, all queries see the first key")
    )
    lines.append(
      "unseen keys: "
        + words(
          try mask.unseenKeys(hasOwnQueries: true), own: "none, a key is seen by its own query",
          first: "none, the first query sees all keys"))
    lines.append(try profile())
    lines.append("interval extension\(mask.interval.isExact ? ", exact" : ""): \(mask.interval.function)")
    for (name, range) in [("keys of queries", mask.keysOfQueries), ("queries of keys", mask.queriesOfKeys)] {
      let ends = range.low == nil ? "the last" : range.high == nil ? "the first" : "the first and the last"
      lines.append(range.isBounded ? "\(name), \(ends): \(range.function)" : "\(name): all")
    }
    lines += try rectangles.flatMap { try verdict($0.queries, $0.keys) }
    return lines.flatMap { $0.split(separator: "\n").map(String.init) }
  }

  private func words(_ witness: Witness?, own: String, first: String) -> String {
    switch witness {
    case .own: own
    case .first: first
    case nil: "not ruled out"
    }
  }

  private func profile() throws -> String {
    let sizes = [96, 24]
    guard let profile = try mask.profile(rowBlocks: sizes) else { return "live pairs: none" }
    let spans = sizes.map { "\($0) rows span \(Int(profile.span(rows: $0)))" }.joined(separator: ", ")
    let unless = profile.isComplete ? "" : " unless tables say less"
    return "live pairs\(unless): about \(Int(profile.liveKeys)) keys per row; \(spans)"
  }

  private func verdict(_ queries: ClosedRange<Int>, _ keys: ClosedRange<Int>) throws -> [String] {
    let answers = try mask.interval.verdict(queries: queries, keys: keys, batch: batch, tables: tables, binding: binding)
    let open = try mask.openConjuncts(queries: queries, keys: keys, batch: batch, tables: tables, binding: binding)
    let parts = mask.conjuncts.count > 1 ? " by parts \(open.map(String.init).joined(separator: ", "))" : ""
    let verdict = !answers.canHold ? "empty" : !answers.canFail ? "full" : "open\(parts)"
    let terms = try mask.uniformNumbers.map {
      Int(try $0.evaluate(batch: batch, query: 0, key: 0, tables: tables, binding: binding).integer)
    }
    func ends(_ range: IndexRange, _ block: ClosedRange<Int>, _ count: Int) throws -> String {
      let ends = try range.evaluate(block, count: count, batch: batch, terms: terms, binding: binding)
      return "\(ends.low.map { "\($0)" } ?? "")...\(ends.high.map { "\($0)" } ?? "")"
    }
    return [
      "queries \(queries.text) keys \(keys.text): \(verdict)",
      "  queries \(queries.text) see keys \(try ends(mask.keysOfQueries, queries, keys.upperBound + 1))",
      "  keys \(keys.text) are seen by queries \(try ends(mask.queriesOfKeys, keys, queries.upperBound + 1))",
    ]
  }
}

extension ClosedRange<Int> {
  fileprivate var text: String { "\(lowerBound)...\(upperBound)" }
}

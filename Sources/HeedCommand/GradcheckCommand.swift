import ArgumentParser
import Heed
import HeedInterpreter
import OrderedCollections

/// `heed gradcheck`: derivatives beside central differences.
struct GradcheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradcheck", abstract: "Checks the derivatives of graphs in double precision.",
    discussion: """
      Every float becomes an f64 and the interpreter runs the graph. Gradients and derivatives along random directions are compared with \
      central differences, and with each other by inner products. Up to four inputs are differentiated in every combination.

      An error is relative to the larger of both numbers, or to a thousandth of the tensor's largest element; what rounding explains is \
      within the bound. An element where central differences of two step sizes disagree is not checked: a kink or a jump is nearby.

      Inputs without a file are random: floats of the normal distribution, valid offsets, indices within the extents that they pick from. \
      The status is 1 where an error exceeds its bound, nothing could be checked, or more than a tenth of the elements could not.
      """)

  @OptionGroup var source: GraphFile
  @Option(name: .customLong("size"), help: "The value of a symbol, such as S=5.") var sizes: [SymbolValue] = []
  @Option(name: .customLong("input"), help: "An input or parameter and the file to read it from.") var inputs: [NamedFile] = []
  @Option(name: .customLong("of"), help: "A result to differentiate; all of floats unless given.") var results: [String] = []
  @Option(name: .customLong("with"), help: "An input or parameter to differentiate with respect to; all of floats unless given.")
  var variables: [String] = []
  @Option(help: "Determines the random numbers.") var seed: UInt64 = 1
  @Option(help: "The largest relative error.") var bound = 1e-6
  @Option(help: "Of larger inputs so many elements are compared one by one.") var elements = 512
  @Flag(help: "Check the derivatives of the gradients too.") var secondOrder = false
  @Flag(help: "Check the derivatives of the graph after the passes too, by the interpreter.") var optimized = false
  @Flag(help: "Check those that compiled code computes too.") var compiled = false
  @Flag(help: "Print one JSON object for each graph.") var json = false

  func validate() throws {
    guard bound > 0, bound < 1 else { throw ValidationError("got --bound \(bound), expected a number between 0 and 1") }
    guard elements >= 0 else { throw ValidationError("got --elements \(elements), expected at least 0") }
  }

  func run() throws {
    let graphs = try inputs.isEmpty ? source.graphs() : [source.onlyGraph()]
    if let stray = sizes.first(where: { size in !graphs.contains { $0.symbols.contains(size.symbol) } }) {
      let symbols = graphs.flatMap(\.symbols).map(\.text).joined(separator: ", ")
      throw HeedError("got a size of \(stray.symbol), expected one of \(symbols.isEmpty ? "none" : symbols)")
    }
    for (position, graph) in graphs.enumerated() {
      if position > 0, !json { try printLine() }
      let (report, sizes) = try report(on: graph)
      try tell(report, of: graph, sizes)
      try report.verify()
    }
  }

  private func report(on graph: Graph) throws -> (report: GradientReport, sizes: String) {
    _ = try Verified(graph)
    let arrays = try inputs.arrays(for: graph).map { input in
      let type = graph.arguments.first { graph.name($0.value).text == input.name }.map { graph.type($0.value) }!
      // A file has the type that the graph says, or the one that is computed with.
      let isKnown = type.element.isFloat && [type.element, .f64].contains(input.array.element)
      return (name: input.name, array: isKnown ? input.array.converted(to: .f64) : input.array)
    }
    let known = try KnownArguments(
      graph.inDoublePrecision(), sizes: sizes.filter { graph.symbols.contains($0.symbol) }, inputs: arrays)
    var options = GradientCheck.Options()
    (options.seed, options.bound, options.mostElements, options.isSecondOrder) = (seed, bound, elements, secondOrder)
    options.executions = (optimized ? [.optimized] : []) + (compiled ? [.compiled] : [])
    let report = try GradientCheck.report(
      on: graph, binding: known.binding, given: known.given.mapValues { ReferenceArray($0) },
      of: results.isEmpty ? nil : results, with: variables.isEmpty ? nil : variables, options: options)
    return (report, known.sizes)
  }

  // MARK: Printing

  private func tell(_ report: GradientReport, of graph: Graph, _ sizes: String) throws {
    if json { return try printLine(Self.object(report, of: graph, seed).text) }
    try printLine(
      "graph @\(graph.name) in double precision, seed \(seed)\(sizes.isEmpty ? "" : ", \(sizes)")\n")
    let titles = ["result", "input", "check", "error", "at", "derivative", "expected", "checked", "near kinks"]
    let table = [titles] + report.rows.map(Self.columns)
    let widths = titles.indices.map { column in table.map { $0[column].count }.max()! }
    for line in table {
      let cells = zip(line, widths).map { padded($0, $1) }.joined(separator: "  ")
      try printLine(String(cells.reversed().drop { $0 == " " }.reversed()))
    }
  }

  private static func columns(_ row: GradientReport.Row) -> [String] {
    let worst = row.worst
    return [
      row.result, row.input, title(row), worst.map { shownError($0.error) } ?? "-", worst?.indices.map { "\($0)" } ?? "-",
      worst.map { shownNumber($0.derivative) } ?? "-", worst.map { shownNumber($0.expected) } ?? "-",
      row.checked > 0 && row.isZero ? "\(row.checked), all 0" : "\(row.checked)", "\(row.unreliable)",
    ]
  }

  private static func title(_ row: GradientReport.Row) -> String {
    row.method.rawValue + (row.execution.map { ", \($0.rawValue)" } ?? "")
  }

  private static func object(_ report: GradientReport, of graph: Graph, _ seed: UInt64) -> JSON {
    let rows = report.rows.map { row -> JSON in
      var fields: OrderedDictionary<String, JSON> = [
        "result": .string(row.result), "input": .string(row.input), "check": .string(title(row)), "checked": JSON(row.checked),
        "near_kinks": JSON(row.unreliable), "all_zero": .bool(row.isZero),
      ]
      guard let worst = row.worst else { return .object(fields) }
      fields["error"] = JSON(worst.error)
      if let indices = worst.indices { fields["at"] = .array(indices.map { JSON($0) }) }
      (fields["derivative"], fields["expected"]) = (JSON(worst.derivative), JSON(worst.expected))
      return .object(fields)
    }
    return .object(["graph": .string(graph.name.text), "seed": .number("\(seed)"), "rows": .array(rows)])
  }
}

import Foundation
import Heed
import HeedTestSupport

/// A graph, and the lengths at which it is run. As text it is a line of JSON behind `//`, and the graph.
struct DifferentialCase {
  /// All but the graph.
  struct Setting: Codable {
    /// What determines the numbers of the arguments.
    var seed: UInt64
    /// The lengths: one value per symbol and run.
    var lengths: [[String: Int]]
    /// The arguments that hold segment offsets, and the number of rows that they end at.
    var offsets: [String: String] = [:]
    /// The seed of the random mask whose tables are among the arguments.
    var mask: UInt64?
  }

  var setting: Setting
  var graph: Graph

  var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return "// \(String(decoding: try! encoder.encode(setting), as: UTF8.self))\n\(graph.text)"
  }

  init(setting: Setting, graph: Graph) { (self.setting, self.graph) = (setting, graph) }

  /// Nil where the text is not a case of a well-formed graph.
  init?(text: String) {
    guard let end = text.firstIndex(of: "\n"), text.hasPrefix("// "),
      let setting = try? JSONDecoder().decode(Setting.self, from: Data(text[..<end].dropFirst(3).utf8)),
      let graphs = try? Graph.parse(String(text[end...])), graphs.count == 1, (try? graphs[0].verify()) != nil
    else { return nil }
    self.init(setting: setting, graph: graphs[0])
  }

  /// The values of the symbols of each run.
  var bindings: [[Name: Int]] { setting.lengths.map { Dictionary(uniqueKeysWithValues: $0.map { (Name($0), $1) }) } }

  /// An array for every argument at one of the bindings.
  func inputs(_ binding: [Name: Int]) throws -> [Name: ReferenceArray] {
    var numbers = SeededGenerator(seed: setting.seed)
    var inputs: [Name: ReferenceArray] = [:]
    let mask = try setting.mask.map { try RandomPredicate(seed: $0, readsTables: true) }
    for (table, array) in zip(mask?.function.tables ?? [], mask?.tables ?? []) { inputs[table.name] = array }
    for argument in graph.arguments where inputs[graph.name(argument.value)] == nil {
      let (name, type) = (graph.name(argument.value), graph.type(argument.value))
      let rows = try setting.offsets[name.text].map { try Extent(parsing: $0).evaluate { binding[$0] } }
      inputs[name] = numbers.array(type.element, try type.shape.evaluate { binding[$0] }, offsetsOf: rows)
    }
    return inputs.filter { name, _ in graph.arguments.contains { graph.name($0.value) == name } }
  }

  // MARK: Smaller ones

  /// Cases with one of the lengths, or shorter ones, or a smaller graph: the smallest first.
  var smaller: [DifferentialCase] {
    var cases: [DifferentialCase] = []
    if setting.lengths.count > 1 { cases += setting.lengths.map { with([$0]) } }
    cases += GraphReduction.smaller(graph).map { DifferentialCase(setting: setting, graph: $0) }
    if setting.lengths.count == 1, let lengths = setting.lengths.first {
      for (symbol, value) in lengths.sorted(by: { $0.key < $1.key }) {
        for less in [1, value / 2, value - 1] where less > 0 && less < value {
          cases.append(with([lengths.merging([symbol: less]) { $1 }]))
        }
      }
    }
    return cases
  }

  private func with(_ lengths: [[String: Int]]) -> DifferentialCase {
    var copy = self
    copy.setting.lengths = lengths
    return copy
  }
}

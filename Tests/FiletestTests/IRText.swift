import HeedIR
import HeedTestSupport

/// The IR of a case: graphs, kernels or programs, as its first word says.
enum IRText {
  case graphs([Graph])
  case kernels([Kernel])
  case programs([Program])

  init(_ test: Filetest.Case, _ path: String) throws {
    var stream = try TokenStream(test.source, file: path)
    switch stream.advance().text {
    case "kernel": self = .kernels(try Kernel.parse(test.source, file: path))
    case "program": self = .programs(try Program.parse(test.source, file: path))
    default: self = .graphs(try Graph.parse(test.source, file: path))
    }
  }

  /// The graphs of a case that has nothing else.
  static func graphs(_ test: Filetest.Case, _ path: String) throws -> [Graph] {
    let graphs = try Graph.parse(test.source, file: path)
    for graph in graphs { try graph.verify() }
    return graphs
  }

  var text: String {
    switch self {
    case .graphs(let graphs): graphs.map(\.text).joined(separator: "\n\n")
    case .kernels(let kernels): kernels.map(\.text).joined(separator: "\n\n")
    case .programs(let programs): programs.map(\.text).joined(separator: "\n\n")
    }
  }
}

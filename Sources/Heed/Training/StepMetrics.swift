internal import HeedArrays
internal import HeedIR

/// The numbers that a call returns: all of its results that are scalars.
struct StepMetrics {
  /// By position of the results.
  let values: [(name: String, value: Double)]

  init(_ outputs: Outputs) throws {
    values = try zip(outputs.names, outputs).filter { $1.shape.isEmpty }.map { ($0, try $1.number()) }
  }

  subscript(name: String) -> Double? { values.first { $0.name == name }?.value }

  /// The names of the scalars that a program returns.
  static func names(of program: CompiledGraph) -> [String] {
    let graph = program.graph
    return (0..<graph.returnedCount).filter { graph.type(graph.results[$0]).rank == 0 }.map { graph.resultNames[$0].text }
  }

  /// The result of this name; without one `loss`, or else the only one.
  /// - Throws: `HeedError` where there is none.
  static func chosen(_ name: String?, among names: [String], of program: CompiledGraph) throws -> String {
    if let name, names.contains(name) { return name }
    if name == nil, names.contains("loss") { return "loss" }
    if name == nil, names.count == 1 { return names[0] }
    let wanted = name.map { "one called '\($0)'" } ?? "one called 'loss', or only one"
    let got = names.isEmpty ? "no number" : names.map { "'\($0)'" }.joined(separator: ", ")
    throw HeedError("got \(got) among the results of \(program.program.name), expected \(wanted)")
  }
}

extension NDArray {
  /// The one element as a double. One of 16 or 32 bits is the shortest decimal that reads as the same number, so that text is short.
  fileprivate func number() throws -> Double {
    switch element {
    case .f32, .f16, .bf16:
      let value = try float()
      return Double("\(value)") ?? Double(value)
    case .f64: return try double()
    case .bool: return try bool() ? 1 : 0
    case .i64, .i32, .i8, .u8: return Double(try int())
    }
  }
}

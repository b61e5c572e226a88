import HeedDSL
import HeedIR
import HeedInterpreter
import Testing

/// The lines of the graph between its header and its end.
func body(_ graph: Graph) -> String {
  graph.text.split(separator: "\n").dropFirst().dropLast().map { $0.dropFirst(2) }.joined(separator: "\n")
}

/// The text of the graph that `build` makes of inputs, without header and end; the graph must verify, and its text parse to itself.
func text(_ location: Testing.SourceLocation = #_sourceLocation, _ build: (GraphBuilder) throws -> some GraphOutput) throws
  -> String
{
  let graph = Graph("g", build)
  try graph.verify()
  #expect(try Graph.parse(graph.text, file: "g").map(\.text) == [graph.text], sourceLocation: location)
  return body(graph)
}

/// An array of reals.
func reals(_ values: [Double], _ shape: [Int]? = nil, _ element: ElementType = .f32) -> ReferenceArray {
  ReferenceArray(element, shape ?? [values.count], reals: values)
}

/// An array of integers, or of bools.
func integers(_ values: [Int64], _ shape: [Int]? = nil, _ element: ElementType = .i32) -> ReferenceArray {
  ReferenceArray(element, shape ?? [values.count], integers: values)
}

/// What the interpreter makes of the graph without rounding, to compare it with formulas: its results in order.
func run(_ inputs: [String: ReferenceArray] = [:], _ build: (GraphBuilder) throws -> some GraphOutput) throws -> [ReferenceArray] {
  let graph = try Graph(building: "g", build)
  try graph.verify()
  return try GraphInterpreter.evaluate(
    graph, inputs: Dictionary(uniqueKeysWithValues: inputs.map { (Name($0.key), $0.value) }), rounding: .none
  ).map(\.array)
}

/// The first mistake of the graph, or nil.
func mistake(_ build: (GraphBuilder) throws -> some GraphOutput) -> HeedError? { Graph("g", build).failure }

func isNear(_ got: ReferenceArray, _ expected: ReferenceArray, _ tolerance: Double = 1e-12) -> Bool {
  got.element == expected.element && got.shape == expected.shape && got.integers == expected.integers
    && zip(got.reals, expected.reals).allSatisfy { $0 == $1 || abs($0 - $1) <= tolerance || $0.isNaN && $1.isNaN }
}

import Foundation
import Heed
import HeedLowering
import Testing

/// Kernels that only classify count what the map of tiles says: the interval extension in machine code answers as it does by the ops' definitions.
@Suite struct ClassificationTests {
  @Test(arguments: ["causal-window", "documents", "neighbourhood", "random-blocks"]) func countsAreThoseOfTheMap(
    _ name: String
  ) throws {
    let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { path, _ in path.deletingLastPathComponent() }
    let path = root.path + "/examples/masks/\(name).heed"
    let graph = try Graph.parse(try String(contentsOfFile: path, encoding: .utf8), file: path)[0]
    let length = 1664
    var inputs: [String: NDArray] = [:]
    for name in ["q", "k", "v"] { inputs[name] = try NDArray(zeros: .f32, [1, length, 64]) }
    var tables: [ReferenceArray] = []
    if name == "documents" {
      tables = [ReferenceArray(.i32, [length], integers: (0..<length).map { Int64($0 * $0 / 200_000) })]
      inputs["document"] = try NDArray(tables[0])
    }
    if name == "random-blocks" {
      tables = [ReferenceArray(.bool, [13, 13], integers: (0..<169).map { $0 * 7 % 10 < 2 ? 1 : 0 })]
      inputs["blocks"] = try NDArray(tables[0])
    }
    var options = CompileOptions()
    options.classifiesOnly = true
    let program = try graph.compile(options)
    let counts = ReferenceArray(try program(inputs)[0]).reals
    let node = try #require(program.graph.body.first { program.graph.op($0) == .attention })
    let map = try TileMap(
      program.graph, node, target: options.target, binding: ["S": length, "N": length / 128], batch: [0], tables: tables)
    for first in stride(from: 0, to: length, by: map.rowBlock) {
      let live = map.visits.filter { $0.isLive && $0.queries.lowerBound == first }
      #expect(counts[first * 64] == Double(live.reduce(0) { $0 + 2 * $1.keys.count + ($1.isPartial ? 1 : 0) }), "row \(first)")
    }
    #expect(map.visits.contains { $0.isLive } && map.visits.contains { !$0.isLive })
  }
}

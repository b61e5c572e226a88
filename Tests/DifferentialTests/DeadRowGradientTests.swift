import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Gradients of rows and keys that nothing is computed from: 0, and never NaN.
@Suite struct DeadRowGradientTests {
  /// How rows and keys die.
  enum Form: String, CaseIterable, Sendable {
    /// A mask of bools.
    case mask
    /// A bias of -inf.
    case bias
    /// Both, beside a sink, with the logarithm as a result.
    case sink
    /// Weights with dropout.
    case dropout
  }

  private static func graph(_ form: Form, _ element: ElementType) throws -> Graph {
    try Graph(building: "dead") { g in
      let (q, k) = (g.input("q", element, ["B", 2, "M", 8]), g.input("k", element, ["B", 2, "N", 8]))
      let (v, live) = (g.input("v", element, ["B", 2, "N", 5]), g.input("live", .bool, ["M", "N"]))
      var scores = matmul(q, k.transposed()) * 0.3
      if form == .bias { scores = scores + g.input("bias", element, ["M", "N"]) }
      if form != .bias { scores = scores.where(live, else: -.infinity) }
      var weights = form == .sink ? softmax(scores, sink: g.input("sink", element, [2])) : softmax(scores)
      if form == .dropout { weights = weights.dropout(probability: 0.5, key: g.randomKey(7)) }
      return matmul(weights, v)
    }
  }

  private static func isLive(_ row: Int, _ key: Int, _ rows: Int, _ keys: Int) -> Bool {
    let isDeadRow = row == 0 || row == rows / 2 || row == rows - 1
    let isDeadKey = key == 1 || key == keys - 2
    return !isDeadRow && !isDeadKey && (row * 7 + key * 3) % 5 < 3
  }

  /// Random inputs: what belongs to dead keys is an infinity or a NaN.
  private static func inputs(_ graph: Graph, _ form: Form, _ rows: Int, _ keys: Int) throws -> [Name: ReferenceArray] {
    var inputs = try randomInputs(graph, ["B": 2, "M": rows, "N": keys])
    let pairs = (0..<rows * keys).map { isLive($0 / keys, $0 % keys, rows, keys) }
    inputs["live"]!.integers = pairs.map { $0 ? 1 : 0 }
    if form == .bias {
      for (position, isLive) in pairs.enumerated() where !isLive { inputs["bias"]!.reals[position] = -.infinity }
    }
    // A bias of -inf does not keep a NaN of a query or a key out of a score.
    for name in ["k", "v"] as [Name] where keys > 4 && (form != .bias || name == "v") {
      let width = inputs[name]!.shape[3]
      for e in 0..<width {
        inputs[name]!.reals[width + e] = .nan
        inputs[name]!.reals[(keys - 2) * width + e] = .infinity
      }
    }
    return inputs
  }

  private static let sizes = [(5, 40), (21, 18), (1, 1), (3, 0), (0, 3), (1, 20), (20, 1)]

  @Test(arguments: Form.allCases, floatTypes) func gradientsAreZero(_ form: Form, _ element: ElementType) throws {
    let graph = try Self.graph(form, element).reverseGraph()
    let number = Form.allCases.firstIndex(of: form)! + floatTypes.firstIndex(of: element)!
    let compiled = try graph.compile(options(hostTargets[number % hostTargets.count]))
    for (rows, keys) in Self.sizes {
      let inputs = try Self.inputs(graph, form, rows, keys)
      let interpreted = try GraphInterpreter.evaluate(graph, inputs: inputs).map(\.array)
      let run = try compiled.run(graph, inputs, guarding: .ends)
      for (got, expected) in zip(run, interpreted) {
        if let difference = try difference(got, expected, .loose) {
          Issue.record("\(form) \(element) \(rows) \(keys): \(difference)")
        }
      }
      for gradients in [interpreted, run.map { ReferenceArray($0) }] {
        let (q, k, v) = (gradients[0], gradients[1], gradients[2])
        #expect(gradients.allSatisfy { $0.reals.allSatisfy(\.isFinite) }, "\(form) \(element) \(rows) \(keys)")
        let pairs = (0..<rows * keys).map { Self.isLive($0 / keys, $0 % keys, rows, keys) }
        for position in q.reals.indices {
          let row = position / 8 % rows
          if !pairs[(row * keys)..<((row + 1) * keys)].contains(true) {
            #expect(q.reals[position] == 0, "\(form) \(element) \(row)")
          }
        }
        for array in [k, v] {
          for position in array.reals.indices {
            let key = position / array.shape[3] % keys
            if !(0..<rows).contains(where: { pairs[$0 * keys + key] }) {
              #expect(array.reals[position] == 0, "\(form) \(element) \(key)")
            }
          }
        }
      }
    }
  }
}

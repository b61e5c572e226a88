import HeedIR
import HeedPasses
import HeedTestSupport
import Testing

/// Attention whose dimensions are merged and split at random between product, softmax and weighted sum.
private struct RandomRanks {
  private var generator: SeededGenerator
  private var lines: [String] = []
  private var arguments: [String] = []
  private var count = 0

  /// Two batch dimensions, two of rows and two of keys, each two merged or not.
  private struct Grouping: Equatable {
    var merges: [Bool]

    static let parts = [["B", "2"], ["H", "W"], ["3", "N"]]

    func extents(_ number: Int) -> [String] {
      let parts = Self.parts[number]
      return merges[number] ? [parts.joined(separator: "*")] : parts
    }

    var shape: [String] { (0..<3).flatMap(extents) }
    func range(_ number: Int) -> Range<Int> {
      let first = (0..<number).reduce(0) { $0 + extents($1).count }
      return first..<(first + extents(number).count)
    }
  }

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  private mutating func chance(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &generator) == 0 }

  private mutating func grouping() -> Grouping { Grouping(merges: (0..<3).map { _ in chance(2) }) }

  private mutating func value(_ text: String) -> String {
    count += 1
    lines.append("  %x\(count) = \(text)")
    return "%x\(count)"
  }

  private mutating func argument(_ shape: [String]) -> String {
    arguments.append("%a\(arguments.count): f32[\(shape.joined(separator: ", "))]")
    return "%a\(arguments.count - 1)"
  }

  private func list(_ shape: [String]) -> String { "[\(shape.joined(separator: ", "))]" }

  private mutating func reshaped(_ value: String, _ from: inout Grouping, to: Grouping) -> String {
    guard from != to else { return value }
    from = to
    return self.value("reshape \(value) : f32\(list(to.shape))")
  }

  /// Something elementwise.
  private mutating func changed(_ value: String, _ grouping: Grouping) -> String {
    let (shape, keys, rows) = (list(grouping.shape), grouping.range(2), grouping.range(1))
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: return self.value("multiply \(value), 0.5")
    case 1:
      let number = Int.random(in: 0..<3, using: &generator)
      let bias = argument(grouping.extents(number))
      let dims = Array(grouping.range(number)).map { "\($0)" }
      return self.value("add \(value), \(self.value("broadcast \(bias) {dims = \(list(dims))} : f32\(shape)"))")
    case 2:
      let i = self.value("iota {dim = \(rows.last!)} : i32\(shape)")
      let j = self.value("iota {dim = \(keys.last!)} : i32\(shape)")
      let far = self.value("subtract \(j), \(i)")
      return self.value("select \(self.value("less \(far), 2")), \(value), -inf")
    default: return self.value("tanh \(value)")
    }
  }

  private mutating func walk(_ value: String, _ grouping: inout Grouping, steps: Int) -> String {
    var value = value
    for _ in 0..<Int.random(in: 0...steps, using: &generator) {
      value = chance(2) ? changed(value, grouping) : reshaped(value, &grouping, to: self.grouping())
    }
    return value
  }

  mutating func text() -> String {
    // Tells the extents of what is merged.
    _ = argument(["H", "W", "N"])
    var grouping = grouping()
    func letters(_ grouping: Grouping) -> [[Character]] {
      [["a", "b"], ["i", "k"], ["j", "l"]].enumerated().map { Array($1.prefix(grouping.extents($0).count)) }
    }
    let first = letters(grouping)
    let query = argument(grouping.extents(0) + grouping.extents(1) + ["4"])
    let key = argument(grouping.extents(0) + grouping.extents(2) + ["4"])
    let subscripts = "\(String(first[0] + first[1]))d,\(String(first[0] + first[2]))d->\(String(first.joined()))"
    var value = value("contract \(query), \(key) {subscripts = \"\(subscripts)\"}")
    value = walk(value, &grouping, steps: 5)
    if !grouping.merges[2], chance(2) {
      // Written out over two dimensions.
      let (dims, rows) = (list(grouping.range(2).map { "\($0)" }), list((0..<grouping.range(2).lowerBound).map { "\($0)" }))
      let exponentials = self.value("exp \(value)")
      let sum = self.value("reduce \(exponentials) {dims = \(dims), kind = add}")
      value = self.value("divide \(exponentials), \(self.value("broadcast \(sum) {dims = \(rows)} : f32\(list(grouping.shape))"))")
    } else {
      var merged = grouping
      merged.merges[2] = true
      value = reshaped(value, &grouping, to: merged)
      value = self.value("softmax \(value) {dim = \(grouping.range(2).lowerBound)}")
    }
    value = reshaped(value, &grouping, to: self.grouping())
    let last = letters(grouping)
    let values = argument(grouping.extents(0) + grouping.extents(2) + ["5"])
    let sum = "\(String(last.joined())),\(String(last[0] + last[2]))e->\(String(last[0] + last[1]))e"
    lines.append("  %out = contract \(value), \(values) {subscripts = \"\(sum)\"}")
    return "graph @ranks(\(arguments.joined(separator: ", "))) {\n\(lines.joined(separator: "\n"))\n  return %out\n}\n"
  }
}

/// Attention is found at whatever ranks it is written.
@Suite struct RandomRankTests {
  @Test func ranksDoNotMatter() throws {
    var pipeline = PassPipeline()
    pipeline.verifiesEach = true
    for seed in 0..<300 as Range<UInt64> {
      var random = RandomRanks(seed: seed)
      let graph = try parse(random.text())
      do {
        let outcome = try pipeline.run(graph)
        let fused = outcome.graph.ir
        #expect(fused.count(.attention) == 1, "seed \(seed)\n\(graph.text)\n\(fused.text)\n\(outcome.remarks)")
        try expectSameValues(
          graph, fused, sizes: [["B": 2, "H": 2, "W": 3, "N": 2], ["B": 1, "H": 1, "W": 1, "N": 1]], tolerance: 1e-6)
        #expect(try pipeline.run(fused).graph.ir.text == fused.text, "seed \(seed)")
      } catch {
        Issue.record("seed \(seed): \(error)\n\(graph.text)")
      }
    }
  }
}

import HeedDSL
import HeedIR
import Testing

/// What a Swift programmer writes without looking it up.
@Suite struct SpellingTests {
  @Test func indicesAndComparisons() throws {
    let n = 2
    let text = try text { g in
      let x = g.input("x", .f32, ["2*S", 8])
      return [
        x[.from(1)], x > -.infinity, x == .infinity, -.infinity < x, x < .pi, x.reshape([n, "S", 4 * n]), x.reshape(["\(n)*S", 8]),
        x["S - 1"], x[.from("S"), 0],
      ]
    }
    #expect(text.contains("greater %x, -inf") && text.contains("equal %x, inf") && text.contains("less -inf, %x"))
  }

  /// `.infinity` has one meaning wherever a number may stand.
  @Test func infinities() throws {
    let results = try run(["x": reals([-1, 2])]) { g in
      let x = g.input("x", .f32, [2])
      return [
        clamp(x, 0, .infinity), clamp(x, -.infinity, 0), x.padded(low: [1], high: [0], with: -.infinity), g.constant(-.infinity),
        g.constant([0, -.infinity]), maximum(x, -.infinity), minimum(x, .infinity), pow(abs(x) + 1, -.infinity),
        select(x > 0, 0, -.infinity), select(x > 0, -.infinity, 0), pow(2, x), pow(.pi, x * 0), select(x > 0, 1, 0),
        x.padded(low: [0], high: [1]),
      ]
    }
    let expected: [[Double]] = [
      [0, 2], [-1, 0], [-.infinity, -1, 2], [-.infinity], [0, -.infinity], [-1, 2], [-1, 2], [0, 0], [-.infinity, 0],
      [0, -.infinity],
      [0.5, 4], [1, 1], [0, 1], [-1, 2, 0],
    ]
    #expect(results.map { $0.reals } == expected)
    let picked = try run(["x": reals([-1, 2])]) { g in
      [select(g.input("x", .f32, [2]) > 0, 7, -7, as: .i64), g.constant(3, .i32), g.constant([1, 2], .u8)]
    }
    #expect(picked == [integers([-7, 7], nil, .i64), integers([3], [], .i32), integers([1, 2], nil, .u8)])
  }

  /// Numbers beside a tensor take its type, whatever Swift's default for the literal is.
  @Test func numbersTakeTheTypeOfTheTensor() throws {
    let results = try run(["x": reals([1, 2]), "n": integers([1, 2])]) { g in
      let (x, n) = (g.input("x", .f32, [2]), g.input("n", .i32, [2]))
      return [x > 1, n > 1, 1.5 < x, max(n, 2), (x + 1) * 0.5, abs(-x), -x * 2 + 1]
    }
    #expect(results.map(\.integers).prefix(4) == [[0, 1], [0, 1], [0, 1], [2, 2]])
    #expect(results.map(\.reals).suffix(3) == [[1, 1.5], [1, 2], [-1, -3]])
  }

  /// A mask and changes of scores from the library, or closures: the same graph.
  @Test func attentionTakesMasksAndScores() throws {
    func attend(_ call: (MultiHeadAttention, Tensor) -> Tensor) throws -> String {
      try text { g in call(MultiHeadAttention("a", in: g, size: 8, headCount: 2), g.input("x", .f32, ["B", "S", 8])) }
    }
    let masked = try attend { attention, x in attention(x, mask: { Mask.causal()($0) }) }
    #expect(try attend { attention, x in attention(x, mask: .causal()) } == masked)
    let changed = try attend { attention, x in attention(x, mask: .causal() & .keys(below: 7), scores: .softCap(30), .alibi()) }
    #expect(changed.contains("tanh") && changed.contains("-inf"))
    #expect(try attend { attention, x in attention(x, scores: .softCap(30)) }.contains("tanh"))
    #expect(try attend { attention, x in attention.attend(x, mask: .causal()).output } == masked)
    let plain = try attend { attention, x in attention(x) }
    #expect(!plain.contains("-inf"))
  }

  @Test func layersOfChannels() throws {
    let text = try text { g in
      let x = g.input("x", .f32, ["B", 4, "H", "W"])
      return [BatchNorm("norm", in: g, size: 4)(x), GroupNorm("groups", in: g, groups: 2, size: 4)(x)]
    }
    #expect(text.contains("norm.running_var") && text.contains("reshape %x : f32[B, 2, 2*H*W]"))
  }
}

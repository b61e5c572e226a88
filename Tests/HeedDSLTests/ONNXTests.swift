import HeedDSL
import HeedIR
import Testing

@Suite struct ONNXTests {
  /// What is wrong is said in one line, and of the line where the operator is called.
  private func check(
    _ message: String, _ location: Testing.SourceLocation = #_sourceLocation, _ build: (GraphBuilder) -> (Tensor, Int)
  ) {
    var line = 0
    let error = mistake { g in
      let (result, at) = build(g)
      line = at
      return result
    }
    #expect(error?.message == message, sourceLocation: location)
    #expect(error?.location?.line == line, sourceLocation: location)
  }

  private static func flat(_ g: GraphBuilder) -> (Tensor, Tensor, Tensor) {
    (g.input("q", .f32, ["B", "M", 24]), g.input("k", .f32, ["B", "N", 24]), g.input("v", .f32, ["B", "N", 24]))
  }

  private static func heads(_ g: GraphBuilder) -> (Tensor, Tensor, Tensor) {
    (g.input("q", .f32, ["B", 4, "M", 8]), g.input("k", .f32, ["B", 2, "N", 8]), g.input("v", .f32, ["B", 2, "N", 8]))
  }

  private static let three = "got %q: f32[B, M, 24], %k: f32[B, N, 24], %v: f32[B, N, 24]"

  @Test func attention() {
    check("ONNX.Attention: \(Self.three) without head counts, expected queryHeadCount and keyValueHeadCount for rank 3") { g in
      let (q, k, v) = Self.flat(g)
      return (ONNX.Attention()(q, k, v).output, #line)
    }
    check("ONNX.Attention: got %q: f32[B, M, 24] for 5 heads, expected rows of a multiple of 5") { g in
      let (q, k, v) = Self.flat(g)
      return (ONNX.Attention(queryHeadCount: 5, keyValueHeadCount: 5)(q, k, v).output, #line)
    }
    check("ONNX.Attention: got 3 heads for keys and 4 for queries, expected a divisor") { g in
      let (q, k, v) = Self.flat(g)
      return (ONNX.Attention(queryHeadCount: 4, keyValueHeadCount: 3)(q, k, v).output, #line)
    }
    check("ONNX.Attention: got 3 heads for %q: f32[B, 4, M, 8], expected 4, or none for rank 4") { g in
      let (q, k, v) = Self.heads(g)
      return (ONNX.Attention(queryHeadCount: 3)(q, k, v).output, #line)
    }
    check("ONNX.Attention: got the left window size -2, expected at least 0, or -1 for none") { g in
      let (q, k, v) = Self.heads(g)
      return (ONNX.Attention(leftWindowSize: -2)(q, k, v).output, #line)
    }
    check("ONNX.Attention: got past keys and nonpadKeyValueLengths, expected one of them") { g in
      let (q, k, v) = Self.heads(g)
      let lengths = g.input("n", .i64, ["B"])
      return (ONNX.Attention()(q, k, v, past: (k, v), nonpadKeyValueLengths: lengths).output, #line)
    }
    check("ONNX.Attention: got the lengths %n: f32[B], expected integers [B]") { g in
      let (q, k, v) = Self.heads(g)
      let lengths = g.input("n", .f32, ["B"])
      return (ONNX.Attention()(q, k, v, nonpadKeyValueLengths: lengths).output, #line)
    }
  }

  @Test func masks() {
    check("ONNX.Attention: got the mask %m: i32[N], expected bools or floats of rank 1 to 4") { g in
      let (q, k, v) = Self.heads(g)
      let mask = g.input("m", .i32, ["N"])
      return (ONNX.Attention()(q, k, v, mask: mask).output, #line)
    }
    check("ONNX.Attention: got the mask %m: bool[9] for 7 keys, expected at most 7 columns") { g in
      let (q, k) = (g.input("q", .f32, ["B", 4, "M", 8]), g.input("k", .f32, ["B", 2, 7, 8]))
      let mask = g.input("m", .bool, [9])
      return (ONNX.Attention()(q, k, k, mask: mask).output, #line)
    }
    check("got %m: f32[3, M, N], expected a shape that broadcasts to [B, 4, M, N]") { g in
      let (q, k, v) = Self.heads(g)
      let mask = g.input("m", .f32, [3, "M", "N"])
      return (ONNX.Attention()(q, k, v, mask: mask).output, #line)
    }
  }

  @Test func flexAttention() {
    check("ONNX.FlexAttention: \(Self.three), expected three tensors of floats of rank 4") { g in
      let (q, k, v) = Self.flat(g)
      return (ONNX.FlexAttention()(q, k, v), #line)
    }
    check("ONNX.FlexAttention: got f64[B, 4, M, N] from scoreMod, expected f32[B, 4, M, N]") { g in
      let (q, k, v) = Self.heads(g)
      return (ONNX.FlexAttention()(q, k, v, scoreMod: { $0.cast(to: .f64) }), #line)
    }
  }

  @Test func rotaryEmbedding() {
    check("ONNX.RotaryEmbedding: got %q: f32[B, M, 24] for headCount = 0, expected rows of a multiple of it") { g in
      let (q, k, v) = Self.flat(g)
      return (ONNX.RotaryEmbedding()(q, cosines: k, sines: v), #line)
    }
    check("ONNX.RotaryEmbedding: got 10 elements to rotate of heads of 8, expected an even number of them") { g in
      let (q, k, v) = Self.heads(g)
      return (ONNX.RotaryEmbedding(rotaryEmbeddingSize: 10)(q, cosines: k, sines: v), #line)
    }
    check(
      "ONNX.RotaryEmbedding: got the caches %c: f32[T, 5] and %c: f32[T, 5] at %p: i64[B, M], expected f32[positions, 4] and ids [B, S]"
    ) { g in
      let (q, _, _) = Self.heads(g)
      let (c, p) = (g.input("c", .f32, ["T", 5]), g.input("p", .i64, ["B", "M"]))
      return (ONNX.RotaryEmbedding()(q, cosines: c, sines: c, positionIDs: p), #line)
    }
  }
}

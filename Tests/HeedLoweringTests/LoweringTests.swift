import HeedIR
import HeedLowering
import Testing

/// The graph called `text` lowered for AVX-512.
private func lowered(_ text: String) throws -> Lowered {
  try lower(Verified(Graph.parse(text, file: "test")[0]), for: .named("x86-64-avx512"))
}

@Suite("Lowering") struct LoweringTests {
  @Test func viewsMoveNoData() throws {
    let program = try lowered(
      """
      graph @views(%x: f32[T, 384]) {
        %heads = reshape %x : f32[T, 12, 32]
        %turned = transpose %heads {permutation = [1, 0, 2]} : f32[12, T, 32]
        %half = slice %turned {start = [0, 0, 0], stop = [12, T, 16]} : f32[12, T, 16]
        %y = negate %half : f32[12, T, 16]
        return %y
      }
      """
    ).program
    #expect(program.steps.count == 1)
    #expect(program.kernels[0].buffers[0].strides == [32, 384, 1])
  }

  @Test func aValueIsStoredInTheOrderOfItsOnlyUser() throws {
    let program = try lowered(
      """
      graph @merge(%x: f32[12, T, 32]) {
        %y = exp %x : f32[12, T, 32]
        %t = transpose %y {permutation = [1, 0, 2]} : f32[T, 12, 32]
        %m = reshape %t : f32[T, 384]
        %z = negate %m : f32[T, 384]
        return %z
      }
      """
    ).program
    #expect(program.steps.map { program.kernels[$0.kernel].name.text } == ["exp", "negate"])
  }

  @Test func weightsArePackedAtLoad() throws {
    let program = try lowered(
      """
      graph @weights(%x: f32[T, 384], parameter %w: f32[1536, 384]) {
        %y = contract %x, %w {subscripts = "tk,nk->tn"} : f32[T, 1536]
        return %y
      }
      """
    ).program
    #expect(program.load.count == 1)
    #expect(program.steps.count == 1)
    #expect(program.buffers.contains { $0.storage == .packed && $0.type.shape == [32, 384, 48] })
  }

  @Test func layersOfOneShapeShareAKernel() throws {
    let program = try lowered(
      """
      graph @layers(%x: f32[T, 64], parameter %a: f32[64, 64], parameter %b: f32[64, 64]) {
        %y = contract %x, %a {subscripts = "tk,nk->tn"} : f32[T, 64]
        %z = contract %y, %b {subscripts = "tk,nk->tn"} : f32[T, 64]
        return %z
      }
      """
    ).program
    #expect(program.kernels.count == 2)
    #expect(program.load.count == 2)
    #expect(program.steps.count == 2)
  }

  @Test func buffersThatAreNeverLiveAtOnceShareASlot() throws {
    let program = try lowered(
      """
      graph @chain(%x: f32[T, 64]) {
        %a = softmax %x {dim = 1} : f32[T, 64]
        %b = softmax %a {dim = 1} : f32[T, 64]
        %c = softmax %b {dim = 1} : f32[T, 64]
        %d = softmax %c {dim = 1} : f32[T, 64]
        return %d
      }
      """
    ).program
    #expect(program.slotCount == 2)
  }

  @Test func aCausalMaskSkipsTilesByProof() throws {
    let result = try lowered(
      """
      graph @causal(%q: f32[H, S, 64], %k: f32[H, S, 64], %v: f32[H, S, 64]) {
        %out = attention %q, %k, %v score (%s: f32, %h: i32, %i: i32, %j: i32) {
          yield %s
        } where (%h: i32, %i: i32, %j: i32) {
          %live = less_equal %j, %i : bool
          yield %live
        } : f32[H, S, 64]
        return %out
      }
      """)
    // Over a block the first key is compared with the last query, and the last key with the first query.
    let text = result.program.kernels[0].text
    #expect(text.contains("less_equal %2, %1") && text.contains("less %0, %3"), "\(text)")
    #expect(text.contains("if %verdict != .empty {"))
    #expect(text.contains("if %verdict == .open {"))
    #expect(result.remarks.contains { $0.kind == .applied && $0.message.contains("are skipped") })
  }
}

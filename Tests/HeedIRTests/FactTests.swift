import HeedIR
import Testing

@Suite struct FactTests {
  @Test func equalFactsAreFollowed() {
    let facts: [Fact] = [.equal("N", "H*W"), .equal("H", "2*K")]
    #expect(("N" as Extent).isEqual(to: "2*K*W", given: facts))
    #expect(("N + 1" as Extent).isEqual(to: "H*W + 1", given: facts))
    #expect(!("N" as Extent).isEqual(to: "K*W", given: facts))
    #expect(!("N" as Extent).isEqual(to: "H*W", given: []))
  }

  @Test func multiplesDivideExactly() {
    let facts: [Fact] = [.divisible("S", by: 16)]
    #expect(("16*floor(S/16)" as Extent).isEqual(to: "S", given: facts))
    #expect(("ceil(S/8)" as Extent).isEqual(to: "floor(S/8)", given: facts))
    #expect(!("32*floor(S/32)" as Extent).isEqual(to: "S", given: facts))
    #expect(!("16*floor(S/16)" as Extent).isEqual(to: "S", given: []))
  }

  @Test func reshapesUseTheFacts() throws {
    let text = "(%x: f32[S]) facts (S % 16 == 0) { %r = reshape %x : f32[floor(S/16), 16] return %r }"
    #expect(try Graph.parse("graph @f\(text)").count == 1)
    #expect(throws: HeedError.self) { try Graph.parse("graph @f\(text.replacing("% 16", with: "% 8"))") }
  }
}

import HeedDSL
import HeedIR
import Testing

@Suite struct EinsumTests {
  private let a = reals([1, 2, 3, 4], [2, 2])
  private let b = reals([0, 1, 1, 0], [2, 2])

  private func einsums(_ subscripts: [(String, Int)]) throws -> [ReferenceArray] {
    try run(["a": a, "b": b]) { g in
      let (a, b) = (g.input("a", .f32, ["N", "N"]), g.input("b", .f32, ["N", "N"]))
      return subscripts.map { text, count in
        switch count {
        case 1: einsum(text, a)
        case 2: einsum(text, a, b)
        case 3: einsum(text, a, b, a)
        default: einsum(text, a, b, a, b)
        }
      }
    }
  }

  @Test func anyNumberOfOperands() throws {
    let results = try einsums([("ij->ji", 1), ("ij,jk->ik", 2), ("ij,jk,kl->il", 3), ("ij,jk,kl,lm->im", 4), ("ab,cd,ef->", 3)])
    #expect(results[0] == reals([1, 3, 2, 4], [2, 2]))
    #expect(results[1] == reals([2, 1, 4, 3], [2, 2]))
    #expect(results[2] == reals([5, 8, 13, 20], [2, 2]))
    #expect(results[3] == reals([8, 5, 20, 13], [2, 2]))
    #expect(results[4] == reals([200], []))
  }

  @Test func repeatedLetters() throws {
    let results = try einsums([("ii->i", 1), ("ii->", 1), ("ii,ij->j", 2), ("ij,ij,ij->ij", 3), ("ij,ji->", 2), ("ij,kk->ji", 2)])
    #expect(results[0] == reals([1, 4]) && results[1] == reals([5], []))
    #expect(results[2] == reals([4, 1]) && results[3] == reals([0, 4, 9, 0], [2, 2]))
    #expect(results[4] == reals([5], []) && results[5] == reals([0, 0, 0, 0], [2, 2]))
  }
}

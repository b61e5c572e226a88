import Heed
import Testing

@Suite struct RetrievalAccuracyTests {
  @Test func ranks() throws {
    // Partners of rank 1, 2 and 3; the last candidate is nobody's partner.
    let accuracy = try RetrievalAccuracy(
      queries: [[1, 0], [0, 1], [1, 1]], candidates: [[2, 0], [0, 0.5], [0.1, 0.1], [0, 1]])
    #expect(accuracy.count == 3 && accuracy.nearestShare == 1.0 / 3)
    // Of the third query, [2, 0] (2), [0, 1] (1) and [0, 0.5] (0.5) are nearer than its partner (0.2).
    #expect(accuracy.meanReciprocalRank == (1 + 0.5 + 0.25) / 3)
  }

  @Test func tiesAndNaNsCountAgainst() throws {
    let equal = try RetrievalAccuracy(queries: [[1], [1]], candidates: [[1], [1]])
    #expect(equal.nearestShare == 0 && equal.meanReciprocalRank == 0.5)
    let lost = try RetrievalAccuracy(queries: [[1], [1]], candidates: [[.nan], [1]])
    #expect(lost.nearestShare == 0 && lost.meanReciprocalRank == 0.5)
  }

  @Test func mistakes() {
    for (queries, candidates) in [([], []), ([[1], [2]], [[1]]), ([[1]], [[1, 2]])] as [([[Float]], [[Float]])] {
      #expect(throws: HeedError.self) { try RetrievalAccuracy(queries: queries, candidates: candidates) }
    }
  }
}

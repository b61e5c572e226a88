internal import HeedIR

/// How well embeddings find their partners: each query is compared with all candidates by the product of the vectors.
///
/// ```swift
/// let accuracy = try RetrievalAccuracy(queries: embedder.embed(questions), candidates: embedder.embed(answers))
/// ```
public struct RetrievalAccuracy: Hashable, Sendable {
  /// The number of queries.
  public let count: Int
  /// The share of queries whose partner is the nearest candidate.
  public let nearestShare: Double
  /// The mean over queries of 1 / rank of the partner, which counts from 1.
  public let meanReciprocalRank: Double

  /// Candidate i is the partner of query i. Another candidate that is as near counts as nearer, and so does one that is not a number.
  /// - Throws: where there are no queries, fewer candidates than queries, or vectors of different lengths.
  public init(queries: [[Float]], candidates: [[Float]]) throws {
    guard let size = queries.first?.count, queries.count <= candidates.count,
      (queries + candidates).allSatisfy({ $0.count == size })
    else {
      throw HeedError(
        "got \(queries.count) queries and \(candidates.count) candidates, expected vectors of one length, as many candidates as queries or more"
      )
    }
    let ranks = queries.enumerated().map { place, query in
      let own = Self.product(query, candidates[place])
      return 1 + candidates.indices.count { $0 != place && !(Self.product(query, candidates[$0]) < own) }
    }
    count = queries.count
    nearestShare = Double(ranks.count { $0 == 1 }) / Double(count)
    meanReciprocalRank = ranks.reduce(0) { $0 + 1 / Double($1) } / Double(count)
  }

  private static func product(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
}

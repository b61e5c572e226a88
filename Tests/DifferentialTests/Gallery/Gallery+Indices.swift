import Heed

extension Gallery {
  static func indexMasks(_ unit: Int) -> [GalleryEntry] {
    func square(
      _ name: String, _ mask: @autoclosure @escaping @Sendable () -> Mask,
      _ live: @escaping @Sendable (_ query: Int, _ key: Int) -> Bool
    ) -> GalleryEntry {
      GalleryEntry(
        name: name, kind: .indices, sizes: lengths(unit), mask: { _ in mask() }, live: { _ in { live($0.query, $0.key) } })
    }
    func oblong(
      _ name: String, _ mask: @autoclosure @escaping @Sendable () -> Mask,
      _ live: @escaping @Sendable (_ query: Int, _ key: Int, _ more: Int) -> Bool
    ) -> GalleryEntry {
      GalleryEntry(
        name: name, kind: .indices, queries: "M", keys: "N", sizes: pairsOfLengths(unit), mask: { _ in mask() },
        live: { sample in { live($0.query, $0.key, sample.keys - sample.queries) } })
    }
    let u = unit
    return [
      square("causal", .causal()) { $1 <= $0 },
      oblong("causal, top-left", .causal(.topLeft)) { i, j, _ in j <= i },
      oblong("causal, bottom-right", .causal(.bottomRight)) { i, j, more in j <= i + more },
      square("causal sliding window", .causal() & .slidingWindow(before: 7 * u, after: u)) { i, j in j <= i && j >= i - 7 * u },
      square("symmetric sliding window", .slidingWindow(before: 5 * u, after: 5 * u)) { i, j in (-5 * u...5 * u).contains(i - j)
      },
      oblong("sliding window, bottom-right", .slidingWindow(before: 9 * u, after: 2 * u, .bottomRight)) { i, j, more in
        j >= i + more - 9 * u && j <= i + more + 2 * u
      },
      square("dilated sliding window", .dilatedSlidingWindow(reach: 12 * u, dilation: 4)) { i, j in
        stride(from: i % 4, through: i + 12 * u, by: 4).contains(j) && j >= i - 12 * u
      },
      square("strided", .strided(8 * u)) { i, j in i >= j && (i < j + 8 * u || (i - j).isMultiple(of: 8 * u)) },
      square("fixed", .fixed(8 * u, summaries: 2 * u)) { i, j in
        let start = i - i % (8 * u)
        return j <= i && (j >= start || j % (8 * u) >= 6 * u)
      },
      square("prefix LM", .prefixLM(10 * u)) { i, j in j < 10 * u || i >= j },
      oblong("prefix LM, bottom-right", .prefixLM(10 * u, .bottomRight)) { i, j, more in j < 10 * u || i + more >= j },
      square("batchify", .batchify(13 * u, .causal())) { i, j in
        let first = i / (13 * u) * (13 * u)
        return (first...i).contains(j)
      },
      square("first keys", .keys(below: 4 * u) & !.queries(below: u)) { i, j in j < 4 * u && i >= u },
      square("outside the window", .causal() & !.slidingWindow(before: 6 * u, after: 6 * u)) { i, j in j < i - 6 * u },
      square("checkerboard", .checkerboard(blockSize: 3 * u)) { i, j in
        (i / (3 * u)).isMultiple(of: 2) == (j / (3 * u)).isMultiple(of: 2)
      },
      square("spatial head", .spatialHead(promptLength: 11 * u, frameLength: 20 * u, reach: 15 * u)) { i, j in
        i < 11 * u || j < 11 * u || abs(i - j) < 15 * u
      },
      square(
        "spatial head with a sink",
        .spatialHead(promptLength: 5 * u, frameLength: 9 * u, reach: 15 * u, includesFirstFrame: true)
      ) { i, j in i < 5 * u || j < 14 * u || abs(i - j) < 15 * u },
      square("temporal head", .temporalHead(promptLength: 11 * u, frameLength: 20 * u, reach: 4 * u)) { i, j in
        if i < 11 * u || j < 11 * u { return true }
        return abs((i - 11 * u) % (20 * u) - (j - 11 * u) % (20 * u)) < 4 * u
      },
      GalleryEntry(
        name: "block diffusion", kind: .indices, queries: "2*C", keys: "2*C", sizes: [["C": 33 * u], ["C": 50 * u + 7], ["C": 20]],
        mask: { _ in .blockDiffusion(count: "C", blockSize: 6 * u) },
        live: { sample in
          let count = sample["C"]
          return { pair in
            let (query, key) = (pair.query % count / (6 * u), pair.key % count / (6 * u))
            switch (pair.query < count, pair.key < count) {
            case (true, true): return query == key
            case (true, false): return key < query
            case (false, true): return false
            case (false, false): return key <= query
            }
          }
        }),
      GalleryEntry(
        name: "draft blocks", kind: .indices, queries: "S", keys: Extent("S") + Extent(9 * u), sizes: lengths(u),
        mask: { _ in .draftBlocks(prefixLength: 9 * u, blockSize: 6 * u) },
        live: { _ in
          { pair in
            if pair.key < 9 * u { return true }
            let key = pair.key - 9 * u
            return key <= pair.query && key >= pair.query - pair.query % (6 * u)
          }
        }),
      GalleryEntry(
        name: "causal or local by head", kind: .indices, sizes: lengths(u),
        mask: { _ in .causal().if(.heads(1..<3), else: .slidingWindow(before: 4 * u, after: 4 * u)) },
        live: { _ in { (1..<3).contains($0.head) ? $0.key <= $0.query : abs($0.key - $0.query) <= 4 * u } }),
    ]
  }
}

import Heed

extension Gallery {
  static func tableMasks(_ unit: Int) -> [GalleryEntry] { rowMasks(unit) + documentMasks(unit) }

  private static func rowMasks(_ u: Int) -> [GalleryEntry] {
    let lengths = GalleryEntry.Table(name: "lengths", element: .i32, shape: ["B"]) { sample, numbers in
      (0..<sample["B"]).map { _ in numbers.integer(0..<(sample.keys + 1)) }
    }
    let isGlobal = GalleryEntry.Table(name: "global", element: .bool, shape: ["S"]) { sample, numbers in
      (0..<sample["S"]).map { _ in numbers.bool(0.04 / Double(u)) ? 1 : 0 }
    }
    let isGlobalOfBatch = GalleryEntry.Table(name: "global", element: .bool, shape: ["B", "S"]) { sample, numbers in
      (0..<(sample["B"] * sample["S"])).map { _ in numbers.bool(0.03 / Double(u)) ? 1 : 0 }
    }
    return [
      GalleryEntry(
        name: "causal, past lengths", kind: .tables, queries: "M", keys: "N", sizes: pairsOfLengths(u), tables: [lengths],
        mask: { .causal(.past($0["lengths"]!)) },
        live: { sample in
          let past = sample.integers("lengths")
          return { $0.key <= $0.query + past[$0.batch] }
        }),
      GalleryEntry(
        name: "padded keys", kind: .tables, queries: "M", keys: "N", sizes: pairsOfLengths(u), tables: [lengths],
        mask: { .keys(below: $0["lengths"]!) },
        live: { sample in
          let counts = sample.integers("lengths")
          return { $0.key < counts[$0.batch] }
        }),
      GalleryEntry(
        name: "prefix LM by row", kind: .tables, sizes: self.lengths(u), tables: [lengths],
        mask: { .prefixLM($0["lengths"]!) },
        live: { sample in
          let prefix = sample.integers("lengths")
          return { $0.key <= max($0.query, prefix[$0.batch] - 1) }
        }),
      GalleryEntry(
        name: "global and sliding window", kind: .tables, sizes: self.lengths(u), tables: [isGlobal],
        mask: { .globalSlidingWindow(radius: 4 * u, isGlobal: $0["global"]!) },
        live: { sample in
          let isGlobal = sample.bools("global")
          return { isGlobal[$0.query] || isGlobal[$0.key] || abs($0.query - $0.key) <= 4 * u }
        }),
      GalleryEntry(
        name: "global by row and causal", kind: .tables, sizes: self.lengths(u), tables: [isGlobalOfBatch],
        mask: { .causal() & .globalSlidingWindow(radius: 4 * u, isGlobal: $0["global"]!) },
        live: { sample in
          let (isGlobal, count) = (sample.bools("global"), sample.keys)
          return { pair in
            pair.key <= pair.query
              && (isGlobal[pair.batch * count + pair.query] || isGlobal[pair.batch * count + pair.key]
                || pair.key >= pair.query - 4 * u)
          }
        }),
      GalleryEntry(
        name: "table of keys", kind: .tables, isForAnyHeads: false, queries: "M", keys: "N", sizes: pairsOfLengths(u),
        tables: [
          GalleryEntry.Table(name: "keep", element: .bool, shape: ["B", 1, 1, "N"]) { sample, numbers in
            (0..<(sample["B"] * sample.keys)).map { $0 % sample.keys < sample.keys / 2 && numbers.bool(0.8) ? 1 : 0 }
          }
        ],
        mask: { .table($0["keep"]!) },
        live: { sample in
          let keep = sample.bools("keep")
          return { keep[$0.batch * sample.keys + $0.key] }
        }),
      GalleryEntry(
        name: "causal or first keys by table of heads", kind: .tables, sizes: self.lengths(u),
        tables: [
          GalleryEntry.Table(name: "heads", element: .bool, shape: [Extent(GalleryEntry.heads)]) { _, numbers in
            (0..<GalleryEntry.heads).map { _ in numbers.bool(0.5) ? 1 : 0 }
          }
        ],
        mask: { .causal().if(.heads($0["heads"]!), else: .keys(below: 5 * u)) },
        live: { sample in
          let isCausal = sample.bools("heads")
          return { isCausal[$0.head] ? $0.key <= $0.query : $0.key < 5 * u }
        }),
    ]
  }

  private static func documentMasks(_ u: Int) -> [GalleryEntry] {
    let sizes = lengths(u).map { $0.merging(["D": max(2, $0["S"]! / (20 * u))]) { $1 } }
    let offsets = GalleryEntry.Table(name: "offsets", element: .i32, shape: ["D + 1"]) { sample, numbers in
      numbers.offsets(sample["D"], sample["S"])
    }
    func documents(
      _ name: String, live: @escaping @Sendable (_ starts: [Int], _ query: Int, _ key: Int) -> Bool,
      mask: @escaping @Sendable (Tensor) -> Mask
    ) -> GalleryEntry {
      GalleryEntry(
        name: name, kind: .tables, sizes: sizes, tables: [offsets], mask: { mask($0["offsets"]!) },
        live: { sample in
          let (documents, offsets) = (sample.documents("offsets"), sample.integers("offsets"))
          let starts = documents.map { offsets[$0] }
          return { documents[$0.query] == documents[$0.key] && live(starts, $0.query, $0.key) }
        })
    }
    return [
      documents("documents", live: { _, _, _ in true }, mask: { .documents($0) }),
      documents("causal documents", live: { $2 <= $1 }, mask: { .documents($0) & .causal() }),
      documents("packed causal documents", live: { $2 <= $1 }, mask: { .packedCausalDocuments($0) }),
      documents(
        "documents with prefixes", live: { starts, i, j in j <= i || j < starts[j] + 3 * u },
        mask: { .documents($0, .prefixLM(3 * u)) }),
      GalleryEntry(
        name: "documents by number", kind: .tables, sizes: lengths(u),
        tables: [
          GalleryEntry.Table(name: "ids", element: .i32, shape: ["B", "S"]) { sample, numbers in
            (0..<sample["B"]).flatMap { _ in (0..<sample["S"]).map { _ in numbers.integer(0..<(sample["S"] / 25 + 1)) }.sorted() }
          }
        ],
        mask: { .documents(ids: $0["ids"]!) },
        live: { sample in
          let (ids, count) = (sample.integers("ids"), sample.keys)
          return { ids[$0.batch * count + $0.query] == ids[$0.batch * count + $0.key] }
        }),
      GalleryEntry(
        name: "colours", kind: .tables, queries: "M", keys: "N", sizes: pairsOfLengths(u),
        tables: ["M", "N"].map { (length: Extent) in
          GalleryEntry.Table(name: "\(length)", element: .i32, shape: [length]) { sample, numbers in
            let runs = (0...(sample.queries + sample.keys)).map { _ in numbers.integer(0..<(u == 1 ? 3 : 9)) }
            return (0..<(length == "M" ? sample.queries : sample.keys)).map { runs[$0 / (16 * u)] }
          }
        },
        mask: { .documents(ids: $0["M"]!, keys: $0["N"]!) },
        live: { sample in
          let (queries, keys) = (sample.integers("M"), sample.integers("N"))
          return { queries[$0.query] == keys[$0.key] }
        }),
      GalleryEntry(
        name: "nested sequences", kind: .tables, queries: "M", keys: "N",
        sizes: pairsOfLengths(u).map { $0.merging(["D": 5]) { $1 } },
        tables: ["M", "N"].map { (length: Extent) in
          GalleryEntry.Table(name: "\(length)", element: .i32, shape: ["D + 1"]) { sample, numbers in
            numbers.offsets(sample["D"], length == "M" ? sample.queries : sample.keys)
          }
        },
        mask: { .nested(queryOffsets: $0["M"]!, keyOffsets: $0["N"]!) },
        live: { sample in
          let (queries, keys) = (sample.documents("M"), sample.documents("N"))
          return { queries[$0.query] == keys[$0.key] }
        }),
      GalleryEntry(
        name: "shared prefix", kind: .tables, sizes: sizes,
        tables: [
          offsets,
          GalleryEntry.Table(name: "prefixes", element: .i32, shape: ["D"]) { sample, numbers in
            (0..<sample["D"]).map { $0 % 3 == 0 ? $0 : $0 - $0 % 3 }
          },
        ],
        mask: { .sharedPrefix($0["offsets"]!, prefixes: $0["prefixes"]!) },
        live: { sample in
          let (documents, prefixes) = (sample.documents("offsets"), sample.integers("prefixes"))
          return { pair in
            let (query, key) = (documents[pair.query], documents[pair.key])
            return query == key ? pair.key <= pair.query : key == prefixes[query]
          }
        }),
    ]
  }
}

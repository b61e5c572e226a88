import Heed

extension Gallery {
  /// Masks by tables over blocks, images and trees.
  static func blockMasks(_ u: Int) -> [GalleryEntry] {
    let size = 8 * u
    let blocks = Extent("S").dividedRoundingUp(by: size)
    @Sendable func count(_ sample: Sample) -> Int { (sample.keys + size - 1) / size }
    let chosen = GalleryEntry.Table(name: "chosen", element: .i32, shape: ["B", Extent(GalleryEntry.heads), blocks, 3]) {
      sample, numbers in
      let (count, lists) = (count(sample), sample["B"] * GalleryEntry.heads * count(sample))
      return (0..<(lists * 3)).map { _ in numbers.integer(0..<count) }
    }
    let random = GalleryEntry.Table(name: "random", element: .i32, shape: [blocks, 2]) { sample, numbers in
      (0..<(count(sample) * 2)).map { _ in numbers.integer(0..<count(sample)) }
    }
    func map(_ shape: Shape, _ times: @escaping @Sendable (Sample) -> Int) -> GalleryEntry.Table {
      GalleryEntry.Table(name: "map", element: .bool, shape: Shape(shape.extents + [blocks, blocks])) { sample, numbers in
        (0..<(times(sample) * count(sample) * count(sample))).map { _ in numbers.bool(0.3) ? 1 : 0 }
      }
    }
    let real = GalleryEntry.Table(name: "real", element: .i32, shape: [blocks]) { sample, numbers in
      (0..<count(sample)).map { _ in numbers.bool(0.6) ? size : numbers.integer(1..<(size + 1)) }
    }
    let heads = Extent(GalleryEntry.heads)
    return [
      GalleryEntry(
        name: "chosen blocks", kind: .tables, sizes: lengths(u), tables: [chosen],
        mask: { .chosenBlocks($0["chosen"]!, blockSize: size) },
        live: { sample in
          let (chosen, count) = (sample.integers("chosen"), count(sample))
          return { pair in
            let list = (pair.batch * GalleryEntry.heads + pair.head) * count + pair.query / size
            return chosen[(list * 3)..<(list * 3 + 3)].contains(pair.key / size)
          }
        }),
      GalleryEntry(
        name: "block map by head", kind: .tables, sizes: lengths(u), tables: [map(["B", heads]) { $0["B"] * GalleryEntry.heads }],
        mask: { .blockMap($0["map"]!, blockSize: size) },
        live: { sample in
          let (map, count) = (sample.bools("map"), count(sample))
          return { pair in
            map[((pair.batch * GalleryEntry.heads + pair.head) * count + pair.query / size) * count + pair.key / size]
          }
        }),
      GalleryEntry(
        name: "block map and padding", kind: .tables, sizes: lengths(u), tables: [map([]) { _ in 1 }, real],
        mask: { .blockMap($0["map"]!, blockSize: size) & .blockPadding($0["real"]!, blockSize: size) },
        live: { sample in
          let (map, real, count) = (sample.bools("map"), sample.integers("real"), count(sample))
          return { pair in
            let (query, key) = (pair.query / size, pair.key / size)
            return map[query * count + key] && pair.key - key * size < real[key]
          }
        }),
      GalleryEntry(
        name: "BigBird", kind: .tables, sizes: lengths(u), tables: [random],
        mask: { .bigBird(blockSize: size, windowBlocks: 1, globalBlocks: 1, randomBlocks: $0["random"]!) },
        live: { sample in
          let random = sample.integers("random")
          return { pair in
            let (query, key) = (pair.query / size, pair.key / size)
            return query == 0 || key == 0 || (query - 1...query + 1).contains(key) || random[query * 2] == key
              || random[query * 2 + 1] == key
          }
        }),
      GalleryEntry(
        name: "vision cross-attention", kind: .tables, queries: "M", keys: Extent(9 * u) * Extent("I"),
        sizes: [["M": 61 * u, "I": 5], ["M": 33 * u, "I": 9], ["M": 5, "I": 1]],
        tables: [
          GalleryEntry.Table(name: "intervals", element: .i32, shape: ["I", 2]) { sample, numbers in
            (0..<sample["I"]).flatMap { _ in
              let first = numbers.integer(0..<sample.queries)
              return [first, first + numbers.integer(0..<(14 * u))]
            }
          }
        ],
        mask: { .visionCrossAttention($0["intervals"]!, tokensPerImage: 9 * u) },
        live: { sample in
          let intervals = sample.integers("intervals")
          return { pair in
            let image = pair.key / (9 * u)
            return pair.query >= intervals[2 * image] && pair.query < intervals[2 * image + 1]
          }
        }),
      GalleryEntry(
        name: "tree causal", kind: .tables, queries: "S", keys: Extent("S") + Extent(11 * u), sizes: lengths(u),
        tables: [
          GalleryEntry.Table(name: "ancestors", element: .bool, shape: ["S", "S"]) { sample, numbers in
            var ways: [Set<Int>] = []
            for node in 0..<sample["S"] {
              ways.append((node == 0 ? [] : ways[numbers.integer(max(0, node - 9)..<node)]).union([node]))
            }
            return ways.flatMap { way in (0..<sample["S"]).map { way.contains($0) ? 1 : 0 } }
          }
        ],
        mask: { .treeCausal($0["ancestors"]!, prefixLength: 11 * u) },
        live: { sample in
          let (ancestors, count) = (sample.bools("ancestors"), sample.queries)
          return { $0.key < 11 * u || ancestors[$0.query * count + $0.key - 11 * u] }
        }),
    ]
  }
}

import Foundation
import Heed
import HeedInterpreter
import HeedLowering
import HeedTestSupport
import Testing

/// What of the score matrix is skipped for each mask of the library, counted against brute force; GALLERY.md is made here.
@Suite struct GalleryTileTests {
  /// Tiles of an entry at all its sizes.
  private struct Counts {
    /// Left out: as a whole, after a look at their granules, and after a search of those for a live pair.
    var skipped = 0
    var skippedInGranules = 0
    var searched = 0
    /// Attended, of them without a live pair, without a dead one, and of the latter run without the mask.
    var attended = 0
    var wasted = 0
    var full = 0
    var unmasked = 0

    var empty: Int { skipped + skippedInGranules + searched + wasted }
  }

  /// A mask as its kernel has it, at one size.
  private struct Kernel {
    let maps: [(head: Int, map: TileMap)]

    init(_ entry: GalleryEntry, _ sample: Sample) throws {
      let graph = try PassPipeline().run(GalleryTests.graph(entry, .f32), target: .x86AVX512).graph.ir
      let node = try #require(graph.body.first { graph.op($0) == .attention })
      // Captured tensors are often computed, from what the graph is given.
      let captured = Array(graph.operands(node).dropFirst(3))
      var tables: [ReferenceArray] = []
      if !captured.isEmpty {
        var source = graph
        source.setResults(captured)
        source = try PassPipeline([.eliminateDeadNodes]).run(source, target: .x86AVX512).graph.ir
        var inputs = Dictionary(uniqueKeysWithValues: sample.tables.map { (Name($0.key), $0.value) })
        for argument in source.arguments where inputs[source.name(argument.value)] == nil {
          let type = source.type(argument.value)
          inputs[source.name(argument.value)] = ReferenceArray(type.element, try type.shape.evaluate { sample.sizes[$0] })
        }
        tables = try GraphInterpreter.evaluate(source, inputs: inputs).map(\.array)
      }
      let condition = graph.regions(node).last!
      let dependsOnHead = condition.instructions.contains { $0.operands.contains(condition.parameter(1)) }
      maps = try (dependsOnHead ? 0..<GalleryEntry.heads : 0..<1).map { head in
        (
          head,
          try TileMap(
            graph, node, target: .x86AVX512, binding: sample.sizes, batch: [0, head], tables: tables)
        )
      }
    }

    var tile: String { "\(maps[0].map.rowBlock) x \(maps[0].map.keyBlock)" }

    /// Counts the tiles, and checks what is done with each.
    func count(_ counts: inout Counts, _ live: (GalleryEntry.Pair) -> Bool, _ note: String) {
      for (head, map) in maps {
        func truth(_ queries: Range<Int>, _ keys: Range<Int>) -> (holds: Bool, fails: Bool) {
          var (holds, fails) = (false, false)
          for query in queries {
            for key in keys {
              if live(GalleryEntry.Pair(batch: 0, head: head, query: query, key: key)) { holds = true } else { fails = true }
              if holds && fails { return (true, true) }
            }
          }
          return (holds, fails)
        }
        var unseen: [Range<Int>: [Range<Int>]] = [:]
        for visit in map.visits {
          guard visit.isLive else {
            let count = (visit.keys.count + map.keyBlock - 1) / map.keyBlock
            switch visit.settledBy {
            case .granules: counts.skippedInGranules += count
            case .pairs: counts.searched += count
            default: counts.skipped += count
            }
            continue
          }
          var parts: [Range<Int>] = []
          for part in unseen[visit.queries] ?? [0..<map.keys] {
            let cut = part.clamped(to: visit.keys)
            parts += cut.isEmpty ? [part] : [part.lowerBound..<cut.lowerBound, cut.upperBound..<part.upperBound]
          }
          unseen[visit.queries] = parts.filter { !$0.isEmpty }
          let truth = truth(visit.queries, visit.keys)
          counts.attended += 1
          if !truth.holds { counts.wasted += 1 }
          if !truth.fails { counts.full += 1 }
          if !visit.isPartial {
            counts.unmasked += 1
            #expect(!truth.fails, "\(note) head \(head): \(visit.queries) x \(visit.keys) runs without its mask")
          }
        }
        for query in 0..<map.queries {
          let rows = unseen.keys.first { $0.contains(query) }
          let parts = rows.map { unseen[$0]! } ?? [0..<map.keys]
          for part in parts where truth(query..<(query + 1), part).holds {
            Issue.record("\(note) head \(head): query \(query) has a live key in \(part), which is left out")
            return
          }
        }
      }
    }
  }

  /// What is left out holds no live pair, what runs without its mask no dead one; all empty tiles of masks of indices are left out, and
  /// 95 in 100 of those of tables; and GALLERY.md holds what was counted (`BLESS=1` writes it).
  @Test func emptyTilesAreSkipped() async throws {
    let masks = Gallery.masks(unit: 16)
    let lines = try await withThrowingTaskGroup(of: (Int, String).self) { group in
      for (number, entry) in masks.enumerated() { group.addTask { (number, try Self.line(entry)) } }
      return try await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
    }
    let order = masks.indices.filter { masks[$0].kind == .indices } + masks.indices.filter { masks[$0].kind == .tables }
    let page = Self.heading + order.map { lines[$0]! + "\n" }.joined()
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized
    let file = folder.appending(path: "GALLERY.md")
    if ProcessInfo.processInfo.environment["BLESS"] == "1" { try page.write(to: file, atomically: true, encoding: .utf8) }
    let committed = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    let differing = zip(page.split(separator: "\n"), committed.split(separator: "\n")).first { $0 != $1 }
    #expect(
      page == committed,
      "GALLERY.md: \(differing.map { "got \($0.0), committed \($0.1)" } ?? "of another length"); BLESS=1 writes it")
  }

  /// The entry's line of the table.
  private static func line(_ entry: GalleryEntry) throws -> String {
    var (counts, tile) = (Counts(), "")
    for number in entry.sizes.indices {
      let binding = entry.binding(number, batch: 1)
      let sample = try entry.sample(binding, seed: UInt64(number + 1))
      let kernel = try Kernel(entry, sample)
      kernel.count(&counts, entry.live(sample), "\(entry.name) at \(binding)")
      tile = kernel.tile
    }
    let least = entry.kind == .indices ? 1 : 0.95
    #expect(Double(counts.empty - counts.wasted) >= least * Double(counts.empty), "\(entry.name): \(counts)")
    let numbers = [
      counts.empty + counts.attended - counts.wasted, counts.empty, counts.skipped, counts.skippedInGranules, counts.searched,
      counts.wasted, counts.full, counts.unmasked,
    ]
    return "| \(entry.name) | \(entry.kind) | \(tile) | \(numbers.map(String.init).joined(separator: " | ")) |"
  }

  private static let heading = """
    # What masks skip

    GalleryTileTests makes this page (`BLESS=1 make test FILTER=GalleryTileTests`). For every mask of the library it counts the tiles of the
    score matrix in the kernel for AVX-512, and checks each against the mask's definition, pair by pair. Lengths are from 29 to 2083, and no
    tile divides them. Where a mask depends on the head, all of four heads are counted.

    An empty tile holds no live pair. It is left out as a whole, by the range of keys or the interval extension; or after its granules were
    classified; or after a search of the pairs that were still open. Else it is attended to in vain. A full tile holds no dead pair, and runs
    without the mask where that is proved. Tiles are trimmed to where live keys begin and end. DESIGN.md says what these words mean.

    | mask | of | tile | tiles | empty | left out | in granules | by search | in vain | full | without mask |
    |---|---|---|---|---|---|---|---|---|---|---|

    """
}

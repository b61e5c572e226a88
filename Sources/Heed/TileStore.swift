package import HeedIR
package import HeedPasses
package import HeedRuntime
internal import HeedSchedule

/// The tiles that `heed tune` found on this kind of processor, kept with the cache of objects.
package struct TileStore: Sendable {
  private let store: FindingStore
  /// What the keys of this processor and target begin with.
  private let prefix: String

  package init(_ cache: ObjectCache, target: Target) {
    store = cache.findings
    let caches = "\(target.caches.level1) \(target.caches.level2) \(target.caches.level3)"
    prefix = "\(Host.processorName) | \(target.name) \(caches) | "
  }

  /// The file; nil where nothing is kept.
  package var path: String? { store.path }

  package func load() -> TunedTiles {
    var entries: [String: TunedTiles.Entry] = [:]
    for (key, text) in store.load() where key.hasPrefix(prefix) {
      entries[String(key.dropFirst(prefix.count))] = TunedTiles.Entry(text)
    }
    return TunedTiles(entries)
  }

  /// - Throws: where the file cannot be written.
  package func add(_ tiles: TunedTiles) throws {
    try store.add(Dictionary(uniqueKeysWithValues: tiles.entries.map { (prefix + $0.key, $0.value.text) }))
  }
}

extension TunedTiles.Entry {
  /// The tile, the model's and the gain: `96 384 64 192 1.08`.
  fileprivate var text: String { "\(tile.rows) \(tile.columns) \(model.rows) \(model.columns) \(gain)" }

  /// Nil where `text` is not such a line.
  fileprivate init?(_ text: String) {
    let words = text.split(separator: " ")
    let sizes = words.prefix(4).compactMap { Int($0) }.filter { (1...1 << 20).contains($0) }
    guard words.count == 5, sizes.count == 4, let gain = Double(words[4]), gain.isFinite else { return nil }
    self.init(
      tile: TileSize(rows: sizes[0], columns: sizes[1]), model: TileSize(rows: sizes[2], columns: sizes[3]), gain: gain)
  }
}

import Heed

/// Every entry of the library of masks and scores.
enum Gallery {
  /// The entries at a scale: windows, blocks and lengths are `unit` times as long as the shortest.
  static func entries(unit: Int) -> [GalleryEntry] { masks(unit: unit) + scores(unit: unit) }

  static func masks(unit: Int) -> [GalleryEntry] { indexMasks(unit) + gridMasks(unit) + tableMasks(unit) + blockMasks(unit) }

  /// As many queries as keys.
  static func lengths(_ unit: Int) -> [[Name: Int]] { [["S": 67 * unit + 1], ["S": 130 * unit + 3], ["S": 29 * unit]] }

  /// Other numbers of queries than of keys.
  static func pairsOfLengths(_ unit: Int) -> [[Name: Int]] {
    [["M": 41 * unit + 1, "N": 97 * unit + 5], ["M": 70 * unit, "N": 33 * unit + 2], ["M": 3 * unit, "N": 120 * unit + 7]]
  }
}

import Heed

/// Handwritten digits, as patches for a vision transformer.
struct DigitImages: Sendable {
  /// An image: rows of pixels, 0 for paper and 1 for ink, and the digit that it shows.
  struct Image: Sendable {
    var pixels: [[Float]]
    var digit: Int
    /// The place of its first patch; 1 and 1 for images as they are in the table.
    var first = (row: 1, column: 1)

    /// The same digit with more paper around it or less: on each side, a row or column of patches is added, or cut off where it is
    /// blank, or neither.
    func resized(_ numbers: inout SeededGenerator) -> Image {
      var image = self
      for _ in 0..<4 { image = image.resizedAtTop(by: Int.random(in: -1...1, using: &numbers)).turned }
      return image
    }

    /// How much ink there is in one of the 2 x 2 patches of pixels, counted row by row.
    func ink(ofPatch patch: Int) -> Float {
      let width = pixels[0].count / 2
      return pixels[patch / width * 2..<patch / width * 2 + 2].map { $0[patch % width * 2] + $0[patch % width * 2 + 1] }.reduce(
        0, +)
    }

    private func resizedAtTop(by patches: Int) -> Image {
      let blank = Array(repeating: Array(repeating: 0 as Float, count: pixels[0].count), count: 2)
      var image = self
      if patches == 1 { image.pixels = blank + pixels }
      if patches == -1, pixels.starts(with: blank) { image.pixels.removeFirst(2) }
      image.first.row -= (image.pixels.count - pixels.count) / 2
      return image
    }

    /// The image turned by a quarter, so that its right side is at the top. Places are counted in a frame of 6 x 6 patches.
    private var turned: Image {
      let columns = pixels[0].indices.reversed().map { column in pixels.map { $0[column] } }
      return Image(pixels: columns, digit: digit, first: (6 - first.column - pixels[0].count / 2, first.row))
    }
  }

  /// All images, in an order that has nothing to do with the table's.
  let images: [Image]

  init() throws {
    let table = try ExampleData.digits.table()
    let pixels = try table.array((0..<64).map { "pixel\($0)" }).floats()
    var numbers = SeededGenerator(seed: 0)
    images = try table.integers("class").enumerated().map { image, digit in
      let rows = (0..<8).map { row in (0..<8).map { pixels[64 * image + 8 * row + $0] / 16 } }
      return Image(pixels: rows, digit: digit)
    }.shuffled(using: &numbers)
  }

  /// A fifth of the images, and all others.
  func split(heldOut fifth: Int) -> (training: [Image], heldOut: [Image]) {
    func part(_ isHeldOut: Bool) -> [Image] { images.indices.filter { ($0 % 5 == fifth) == isHeldOut }.map { images[$0] } }
    return (part(false), part(true))
  }

  /// Images of any sizes, packed one after the other: patches of 2 x 2 pixels, their places,
  /// and where each image begins.
  /// - Parameter keeping: which patches of an image there are: all unless said.
  static func packed(_ images: [Image], keeping: (_ image: Int, _ patch: Int) -> Bool = { _, _ in true }) throws -> [String:
    NDArray]
  {
    var (patches, rows, columns, offsets): ([Float], [Int32], [Int32], [Int32]) = ([], [], [], [0])
    for (number, image) in images.enumerated() {
      let width = image.pixels[0].count / 2
      for patch in 0..<(image.pixels.count / 2 * width) where keeping(number, patch) {
        let (row, column) = (patch / width, patch % width)
        for pixel in 0..<4 { patches.append(image.pixels[2 * row + pixel / 2][2 * column + pixel % 2]) }
        rows.append(Int32(image.first.row + row))
        columns.append(Int32(image.first.column + column))
      }
      offsets.append(Int32(rows.count))
    }
    return [
      "patches": try NDArray(patches, [rows.count, 4]), "rows": try NDArray(rows), "columns": try NDArray(columns),
      "offsets": try NDArray(offsets),
    ]
  }

  static func digits(_ images: [Image]) throws -> NDArray { try NDArray(images.map { Int32($0.digit) }) }
}

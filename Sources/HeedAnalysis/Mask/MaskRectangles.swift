import HeedIR

/// A mask without tables over rectangles of pairs, at one length of queries and keys and the first batch indices.
struct MaskRectangles {
  private let mask: MaskAnalysis
  private let length: Int
  private let batch: [Int]
  /// Every length is the same: what a mask mentions of lengths is mostly their difference.
  private let binding: [Name: Int]
  /// The values of the mask's uniform whole-number terms.
  private let terms: [Int]

  /// First and last live keys are found to so many keys.
  private static let granule = 16

  init(_ mask: MaskAnalysis, length: Int) throws {
    let batch = Array(repeating: 0, count: mask.condition.parameters.count - 2)
    let binding = Dictionary(mask.condition.symbols.map { ($0, length) }, uniquingKeysWith: { first, _ in first })
    (self.mask, self.length, self.batch, self.binding) = (mask, length, batch, binding)
    terms = try mask.uniformNumbers.map {
      Int(try $0.evaluate(batch: batch, query: 0, key: 0, tables: [], binding: binding).integer)
    }
  }

  private func verdict(_ rows: Range<Int>, _ keys: Range<Int>) throws -> IntervalExtension.Answers {
    try mask.interval.verdict(
      queries: rows.lowerBound...rows.upperBound - 1, keys: keys.lowerBound...keys.upperBound - 1, batch: batch,
      binding: binding)
  }

  /// The keys that some row can see, by the mask's range.
  private func range(of rows: Range<Int>) throws -> Range<Int> {
    let ends = try mask.keysOfQueries.evaluate(
      rows.lowerBound...rows.upperBound - 1, count: length, batch: batch, terms: terms, binding: binding)
    let first = min(max(ends.low ?? 0, 0), length)
    return first..<max(first, min((ends.high ?? length) + 1, length))
  }

  /// The keys from the first to the last granule in which a pair of the rows can live.
  func span(of rows: Range<Int>) throws -> Range<Int>? {
    let size = Self.granule
    let keys = try range(of: rows)
    let granules = keys.lowerBound / size..<(keys.upperBound + size - 1) / size
    guard let first = try end(rows, granules, isFirst: true),
      let last = try end(rows, first..<granules.upperBound, isFirst: false)
    else { return nil }
    return first * size..<(last + 1) * size
  }

  /// The first or the last of some granules in which a pair can live: the outermost one, or one found by halving.
  private func end(_ rows: Range<Int>, _ granules: Range<Int>, isFirst: Bool) throws -> Int? {
    func canHold(_ granules: Range<Int>) throws -> Bool {
      try verdict(rows, granules.lowerBound * Self.granule..<granules.upperBound * Self.granule).canHold
    }
    guard let outermost = isFirst ? granules.first : granules.last else { return nil }
    if try canHold(outermost..<outermost + 1) { return outermost }
    let rest = isFirst ? granules.dropFirst() : granules.dropLast()
    guard try !rest.isEmpty && canHold(rest) else { return nil }
    let halves = isFirst ? rest.halves : rest.halves.reversed()
    return try end(rows, halves[0], isFirst: isFirst) ?? end(rows, halves[1], isFirst: isFirst)
  }

  /// The pairs that live in some rows. What stays open after so many questions, larger parts asked for first, counts half.
  func livePairs(of rows: [Range<Int>], asking most: Int) throws -> Double {
    var parts = try rows.map { (rows: $0, keys: try range(of: $0)) }.filter { !$0.keys.isEmpty }
    var (position, live) = (0, 0.0)
    while position < parts.count {
      let (rows, keys) = parts[position]
      position += 1
      let pairs = Double(rows.count * keys.count)
      let answers = try position <= most ? verdict(rows, keys) : (canHold: true, canFail: true)
      guard answers.canHold else { continue }
      if !answers.canFail {
        live += pairs
      } else if position > most || pairs == 1 {
        live += pairs / 2
      } else if rows.count > keys.count {
        parts += rows.halves.map { (rows: $0, keys: keys) }
      } else {
        parts += keys.halves.map { (rows: rows, keys: $0) }
      }
    }
    return live
  }
}

extension Range<Int> {
  /// The two halves of a range of more than one number.
  fileprivate var halves: [Range<Int>] {
    let middle = lowerBound + count / 2
    return [lowerBound..<middle, middle..<upperBound]
  }
}

internal import Heed

/// Pairs of sentences that belong together.
struct SentencePairs {
  var first: [String]
  var second: [String]

  init(first: [String], second: [String]) { (self.first, self.second) = (first, second) }

  /// Two columns of a CSV or JSONL file.
  init(contentsOf path: String, _ recipe: EncoderRecipe.Pairs) throws {
    let table = try path.hasSuffix(".csv") ? Table(csv: path) : Table(jsonLines: path, columns: [recipe.first, recipe.second])
    (first, second) = (try table.texts(recipe.first), try table.texts(recipe.second))
    guard !first.isEmpty else { throw HeedError("reading \(path): got no pairs, expected at least one") }
  }

  var count: Int { first.count }

  private func picking(_ places: [Int]) -> SentencePairs {
    SentencePairs(first: places.map { first[$0] }, second: places.map { second[$0] })
  }

  /// These pairs without those that are held out, and these.
  func split(_ part: HeldOutPart?, _ recipe: EncoderRecipe.Pairs, seed: UInt64) throws -> (
    rest: SentencePairs, held: SentencePairs?
  ) {
    switch part {
    case nil: return (self, nil)
    case .file(let path): return (self, try SentencePairs(contentsOf: path, recipe))
    case .share(let share):
      let places = try ArrayRows(["place": NDArray((0..<count).map { Int32($0) }, [count])]).split(heldOut: share, seed: seed)
      func originals(_ part: Subset<ArrayRows>) -> [Int] { (0..<part.count).map(part.original) }
      return (picking(originals(places.training)), picking(originals(places.heldOut)))
    }
  }
}

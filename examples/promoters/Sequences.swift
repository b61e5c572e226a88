import Heed

/// Sequences of bases, 0 to 3 for a, c, g and t, and whether each is a promoter.
struct Sequences: Sendable {
  var bases: [[Int32]] = []
  var isPromoter: [Bool] = []
  /// Where the two boxes begin, where a sequence was made with both.
  var boxes: [(first: Int, second: Int)?] = []

  var count: Int { bases.count }

  subscript(indices: [Int]) -> Sequences {
    Sequences(bases: indices.map { bases[$0] }, isPromoter: indices.map { isPromoter[$0] }, boxes: indices.map { boxes[$0] })
  }

  /// The inputs of a step or of a model.
  func inputs() throws -> [String: NDArray] {
    ["bases": try NDArray(bases), "targets": try NDArray(isPromoter.map { $0 ? 1 : 0 as Float }, [count, 1])]
  }

  // MARK: Planted

  /// The boxes that bacteria's polymerase binds to, 35 and 10 bases before a gene, and how far the second begins after the first.
  static let (first, second, spacing) = (numbers("ttgaca"), numbers("tataat"), 23)

  /// Random sequences of 60 bases. Promoters have both boxes at the right spacing; of the others, half have both at a wrong one, and the
  /// rest have one of the two.
  static func planted(_ count: Int, seed: Int) -> Sequences {
    var numbers = SeededGenerator(seed: seed)
    var sequences = Sequences()
    for number in 0..<count {
      let isPromoter = number % 2 == 0
      let wrong = (7...40).filter { abs($0 - spacing) > 1 }
      let distance = isPromoter ? spacing : wrong.randomElement(using: &numbers)!
      let place = Int.random(in: 0...(60 - 6 - distance), using: &numbers)
      var bases = (0..<60).map { _ in Int32.random(in: 0..<4, using: &numbers) }
      let left = number % 8
      if left != 1 { bases.replaceSubrange(place..<place + 6, with: first) }
      if left != 5 { bases.replaceSubrange(place + distance..<place + distance + 6, with: second) }
      sequences.bases.append(bases)
      sequences.isPromoter.append(isPromoter)
      sequences.boxes.append(left == 1 || left == 5 ? nil : (place, place + distance))
    }
    return sequences
  }

  private static func numbers(_ text: String) -> [Int32] { text.map { ["a": 0, "c": 1, "g": 2, "t": 3][$0]! } }

  // MARK: Real

  /// 106 sequences of E. coli, the 50 bases before the start of a gene and 7 after it, or some other place.
  static func real() throws -> Sequences {
    let table = try ExampleData.promoters.table()
    return Sequences(
      bases: try table.texts("sequence").map(numbers), isPromoter: try table.texts("class").map { $0 == "+" },
      boxes: Array(repeating: nil, count: table.count))
  }

  /// Ten parts that hold equal numbers of promoters, as near as can be.
  func folds(seed: Int) -> [[Int]] {
    var numbers = SeededGenerator(seed: seed)
    let order = bases.indices.shuffled(using: &numbers)
    let sorted = order.filter { isPromoter[$0] } + order.filter { !isPromoter[$0] }
    return (0..<10).map { fold in sorted.indices.filter { $0 % 10 == fold }.map { sorted[$0] } }
  }
}

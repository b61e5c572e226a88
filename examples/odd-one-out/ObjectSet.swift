import Foundation
import Heed

/// Objects with three attributes. All agree in one of them but the odd one; their other attributes are random.
struct ObjectSet {
  /// The number of attributes, and of the values of each.
  static let (attributes, values) = (3, 4)
  private static let colours = ["red", "blue", "green", "yellow"]
  private static let shapes = ["square", "circle", "star", "cross"]
  /// For each object, a number for each value of each attribute: 1 for the one that it has, and noise.
  private(set) var features: [[Float]]
  /// What the objects are called by their first two attributes: "red star". The third is their size.
  let names: [String]
  /// The position of the odd one, and the attribute in which it differs.
  let odd: Int
  let attribute: Int

  init(_ count: Int, noise: Double, attribute asked: Int? = nil, using numbers: inout SeededGenerator) {
    let attribute = asked ?? Int.random(in: 0..<Self.attributes, using: &numbers)
    let odd = Int.random(in: 0..<count, using: &numbers)
    let common = Int.random(in: 0..<Self.values, using: &numbers)
    let other = (common + Int.random(in: 1..<Self.values, using: &numbers)) % Self.values
    let objects = (0..<count).map { object in
      (0..<Self.attributes).map { number in
        number != attribute ? Int.random(in: 0..<Self.values, using: &numbers) : object == odd ? other : common
      }
    }
    names = objects.map { "\(Self.colours[$0[0]]) \(Self.shapes[$0[1]])" }
    features = objects.map { object in
      object.flatMap { value in (0..<Self.values).map { Float(($0 == value ? 1 : 0) + noise * numbers.normal()) } }
    }
    (self.odd, self.attribute) = (odd, attribute)
  }

  /// The object that is farthest from the mean of all.
  var farthest: Int {
    let width = features[0].count
    let centre = (0..<width).map { feature in features.reduce(0) { $0 + $1[feature] } / Float(features.count) }
    func distance(_ object: [Float]) -> Float { zip(object, centre).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
    return features.indices.max { distance(features[$0]) < distance(features[$1]) }!
  }

  /// The inputs of sets of one size.
  static func batch(_ sets: [ObjectSet]) throws -> [String: NDArray] {
    [
      "objects": try NDArray(
        sets.flatMap { $0.features.flatMap { $0 } }, [sets.count, sets[0].features.count, attributes * values])
    ]
  }

  // MARK: Mixed features

  /// A random rotation of all features (Gram and Schmidt).
  static func mixing(using numbers: inout SeededGenerator) -> [[Float]] {
    let width = attributes * values
    var rows: [[Double]] = []
    while rows.count < width {
      var row = (0..<width).map { _ in numbers.normal() }
      for other in rows {
        let product = zip(row, other).reduce(0) { $0 + $1.0 * $1.1 }
        row = zip(row, other).map { $0 - product * $1 }
      }
      let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      rows.append(row.map { $0 / norm })
    }
    return rows.map { $0.map(Float.init) }
  }

  /// The same objects, each feature a sum of all.
  func mixed(_ mixing: [[Float]]) -> ObjectSet {
    var result = self
    result.features = features.map { object in mixing.map { row in zip(row, object).reduce(0) { $0 + $1.0 * $1.1 } } }
    return result
  }
}

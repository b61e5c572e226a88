import Heed
import HeedTestSupport
import Testing

/// A mask or a change of scores of the library, with its definition written a second time as a plain function of indices.
struct GalleryEntry: Sendable, CustomTestStringConvertible {
  /// What an entry is computed from.
  enum Kind: String, Sendable { case indices, tables, scores }

  /// A pair of a query and a key.
  struct Pair {
    var batch = 0
    var head = 0
    var query: Int
    var key: Int
  }

  /// A captured tensor.
  struct Table: Sendable {
    let name: String
    /// nil for the scores' type.
    let element: ElementType?
    let shape: Shape
    /// Integers, or bools; floats are random.
    var numbers: @Sendable (Sample, inout SeededGenerator) -> [Int] = { _, _ in [] }
  }

  let name: String
  let kind: Kind
  /// Whether scores may have their heads in two dimensions.
  var isForAnyHeads = true
  var queries: Extent = "S"
  var keys: Extent = "S"
  /// What the symbols can be.
  let sizes: [[Name: Int]]
  var tables: [Table] = []
  var mask: @Sendable (_ tables: [String: Tensor]) -> Mask = { _ in .all }
  var score: (@Sendable (_ tables: [String: Tensor]) -> Score)?
  /// Whether a pair lives, by the definition.
  var live: @Sendable (Sample) -> (Pair) -> Bool = { _ in { _ in true } }
  /// The changed score, by the definition.
  var change: @Sendable (Sample) -> (Double, Pair) -> Double = { _ in { score, _ in score } }
  /// How far compiled results may be from the interpreter's in f32, where more than otherwise.
  var tolerance: Double?

  var testDescription: String { name }

  /// Heads of every entry.
  static let heads = 4

  /// The symbols at one of the sizes.
  func binding(_ number: Int, batch: Int = 2) -> [Name: Int] {
    sizes[number % sizes.count].merging(["B": batch]) { size, _ in size }
  }

  /// The captured tensors' values at these sizes, as a seed determines them.
  func sample(_ binding: [Name: Int], element: ElementType = .f64, seed: UInt64 = 1) throws -> Sample {
    var numbers = SeededGenerator(seed: seed)
    let lengths = try Shape([queries, keys]).evaluate { binding[$0] }
    var sample = Sample(sizes: binding, queries: lengths[0], keys: lengths[1])
    for table in tables {
      let shape = try table.shape.evaluate { binding[$0] }
      let element = table.element ?? element
      sample.tables[table.name] =
        element.isFloat
        ? numbers.array(element, shape)
        : ReferenceArray(element, shape, integers: table.numbers(sample, &numbers).map(Int64.init))
    }
    return sample
  }

  /// The captured tensors as inputs of a graph.
  func inputs(_ g: GraphBuilder, _ element: ElementType) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: tables.map { ($0.name, g.input($0.name, $0.element ?? element, $0.shape)) })
  }
}

/// Sizes and captured tensors of a call.
struct Sample: Sendable {
  let sizes: [Name: Int]
  let queries: Int
  let keys: Int
  var tables: [String: ReferenceArray] = [:]

  subscript(symbol: Name) -> Int { sizes[symbol]! }
  func integers(_ table: String) -> [Int] { tables[table]!.integers.map(Int.init) }
  func bools(_ table: String) -> [Bool] { tables[table]!.integers.map { $0 != 0 } }
  func reals(_ table: String) -> [Double] { tables[table]!.reals }
  func extent(_ table: String, _ dimension: Int) -> Int { tables[table]!.shape[dimension] }

  /// For each row its document, by offsets.
  func documents(_ offsets: String) -> [Int] {
    let offsets = integers(offsets)
    return zip(offsets, offsets.dropFirst()).enumerated().flatMap { number, ends in Array(repeating: number, count: ends.1 - ends.0)
    }
  }
}

extension SeededGenerator {
  mutating func integer(_ range: Range<Int>) -> Int { Int.random(in: range, using: &self) }
  mutating func bool(_ chance: Double) -> Bool { Double.random(in: 0..<1, using: &self) < chance }

  /// `count + 1` offsets that rise from 0 to `length`.
  mutating func offsets(_ count: Int, _ length: Int) -> [Int] {
    [0] + (1..<max(count, 1)).map { _ in integer(0..<(length + 1)) }.sorted() + [length]
  }
}

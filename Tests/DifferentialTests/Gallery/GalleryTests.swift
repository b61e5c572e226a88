import Foundation
import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// The library of masks and scores against definitions written apart from it, and its compiled attention against the interpreter.
@Suite struct GalleryTests {
  /// The mask of a library's entry is its definition, on every pair.
  @Test(arguments: Gallery.masks(unit: 1)) func masksAreTheirDefinitions(_ entry: GalleryEntry) throws {
    let graph = try Graph(building: "mask") { g in
      let shape: Shape = ["B", Extent(GalleryEntry.heads), entry.queries, entry.keys]
      let scores = g.input("scores", .f32, shape)
      return entry.mask(entry.inputs(g, .f32))(scores).broadcast(to: shape)
    }
    for number in entry.sizes.indices {
      let binding = entry.binding(number)
      let sample = try entry.sample(binding, seed: UInt64(number))
      let live = entry.live(sample)
      var inputs = Dictionary(uniqueKeysWithValues: sample.tables.map { (Name($0.key), $0.value) })
      inputs["scores"] = ReferenceArray(.f32, [sample["B"], GalleryEntry.heads, sample.queries, sample.keys])
      let mask = try GraphInterpreter.evaluate(graph, inputs: inputs)[0].array
      var wrong = 0
      ReferenceArray.forEachIndex(of: mask.shape) { at, position in
        let pair = GalleryEntry.Pair(batch: at[0], head: at[1], query: at[2], key: at[3])
        if live(pair) != (mask.integers[position] != 0) {
          if wrong == 0 { Issue.record("\(entry.name) at \(binding), \(pair): got \(!live(pair))") }
          wrong += 1
        }
      }
      #expect(wrong == 0, "\(entry.name) at \(binding): \(wrong) of \(mask.count) pairs")
      #expect(
        mask.integers.contains(0) && mask.integers.contains(1) || sample.keys < 40, "\(entry.name) at \(binding) says nothing")
    }
  }

  /// A changed score of the library is its definition, on every live pair.
  @Test(arguments: Gallery.scores(unit: 1)) func scoresAreTheirDefinitions(_ entry: GalleryEntry) throws {
    let graph = try Graph(building: "score") { g in
      let scores = g.input("scores", .f64, ["B", Extent(GalleryEntry.heads), entry.queries, entry.keys])
      return entry.score!(entry.inputs(g, .f64))(scores)
    }
    for number in entry.sizes.indices {
      let binding = entry.binding(number)
      let sample = try entry.sample(binding, seed: UInt64(number))
      let (live, change) = (entry.live(sample), entry.change(sample))
      var inputs = Dictionary(uniqueKeysWithValues: sample.tables.map { (Name($0.key), $0.value) })
      var numbers = SeededGenerator(seed: 5)
      let scores = numbers.array(.f64, [sample["B"], GalleryEntry.heads, sample.queries, sample.keys])
      inputs["scores"] = scores
      let changed = try GraphInterpreter.evaluate(graph, inputs: inputs)[0].array
      var worst = 0.0
      ReferenceArray.forEachIndex(of: changed.shape) { at, position in
        let pair = GalleryEntry.Pair(batch: at[0], head: at[1], query: at[2], key: at[3])
        if live(pair) { worst = max(worst, abs(changed.reals[position] - change(scores.reals[position], pair))) }
      }
      #expect(worst < 1e-9, "\(entry.name) at \(binding)")
    }
  }

  /// How queries, keys and values are laid out.
  enum Layout: String, CaseIterable {
    /// `[batch, heads, rows, width]`.
    case heads
    /// Two heads of keys and values, each repeated for two of queries.
    case grouped
    /// The same, with the heads of queries in two dimensions.
    case groupsOfHeads
    /// Rows before heads, as a linear layer gives them.
    case rowsFirst
    /// Documents one after the other: `[rows, heads, width]` and offsets.
    case ragged

    /// Whether an entry can be laid out so.
    func fits(_ entry: GalleryEntry) -> Bool {
      switch self {
      case .groupsOfHeads: entry.isForAnyHeads
      case .ragged: entry.tables.isEmpty && entry.queries == "S" && entry.keys == "S"
      default: true
      }
    }
  }

  static let layouts: [Layout] = [.heads, .grouped, .groupsOfHeads, .rowsFirst, .ragged]
  static let widths: [(keys: Int, values: Int)] = [(4, 5), (16, 16), (31, 7), (8, 33), (3, 64), (24, 12), (1, 1)]

  /// Attention with an entry's mask and scores.
  static func graph(
    _ entry: GalleryEntry, _ element: ElementType, _ layout: Layout = .heads, widths: (keys: Int, values: Int) = (4, 5)
  ) throws -> Graph {
    try Graph(building: "attention") { g in
      let heads = Extent(GalleryEntry.heads)
      func input(_ name: String, _ rows: Extent, _ width: Int) -> Tensor {
        switch layout {
        case .heads: return g.input(name, element, ["B", heads, rows, Extent(width)])
        case .rowsFirst: return g.input(name, element, ["B", rows, heads, Extent(width)]).transposed(0, 2, 1, 3)
        case .grouped where name == "q": return g.input(name, element, ["B", heads, rows, Extent(width)])
        case .grouped:
          let shared = g.input(name, element, ["B", 2, rows, Extent(width)])
          return shared.expandingDimension(2).broadcast(to: ["B", 2, 2, rows, Extent(width)]).reshape(["B", 4, rows, Extent(width)])
        case .ragged: return g.input(name, element, [rows, heads, Extent(width)]).transposed(1, 0, 2)
        case .groupsOfHeads: return g.input(name, element, ["B", 2, name == "q" ? 2 : 1, rows, Extent(width)])
        }
      }
      let (q, k) = (input("q", entry.queries, widths.keys), input("k", entry.keys, widths.keys))
      let v = input("v", entry.keys, widths.values)
      let tables = entry.inputs(g, element)
      var scores = matmul(q, k.transposed()) * (0.7 / Double(widths.keys).squareRoot())
      if let score = entry.score { scores = scores.applying(score(tables)) }
      var mask = entry.mask(tables)
      if layout == .ragged { mask = mask & .documents(g.input("offsets", .i32, ["D + 1"])) }
      return matmul(softmax(scores.where(mask, else: -.infinity)), v)
    }
  }

  /// Every entry becomes the one op: no softmax is left, nothing as large as the scores is computed, nothing was declined.
  static func expectFused(_ graph: LoweredGraph, _ entry: GalleryEntry) {
    let ir = graph.graph
    #expect(ir.body.count { ir.op($0) == .attention } == 1, "\(entry.name): no attention\n\(ir.text)\n\(graph.remarks)")
    for node in ir.body {
      #expect(ir.op(node) != .softmax && ir.op(node) != .exp, "\(entry.name): a softmax is left\n\(ir.text)")
      for value in ir.results(node) {
        let extents = ir.type(value).shape.extents
        let isLarge =
          entry.queries == entry.keys
          ? extents.count { $0 == entry.queries } > 1 : extents.contains(entry.queries) && extents.contains(entry.keys)
        #expect(!isLarge, "\(entry.name): \(ir.type(value)) is as large as the scores\n\(ir.text)")
      }
    }
    let declined = graph.remarks.description.split(separator: "\n").filter {
      $0.contains("not fused") || $0.contains("stored whole")
    }
    #expect(declined.isEmpty, "\(entry.name): \(declined)")
  }

  @Test(arguments: Gallery.entries(unit: 1)) func entriesAreFused(_ entry: GalleryEntry) throws {
    for layout in Layout.allCases where layout.fits(entry) {
      Self.expectFused(try Self.graph(entry, .f32, layout).lowered(options()), entry)
    }
  }

  /// Compiled attention of every entry is the interpreter's: element types, layouts of heads, widths, targets and lengths in turn.
  @Test(arguments: Gallery.entries(unit: 1).enumerated().map { ($0.offset, $0.element) })
  func compiledEntriesAgree(_ number: Int, _ entry: GalleryEntry) throws {
    for combination in Combination.first(2) {
      let step = Combination(number: number * 3 + combination.number * 7)
      let element = Combination(number: number + combination.number).pick(floatTypes)
      var layout = step.pick(Self.layouts)
      if !layout.fits(entry) { layout = .grouped }
      let graph = try Self.graph(entry, element, layout, widths: step.pick(Self.widths))
      let binding = entry.binding(combination.number).merging(["D": 3]) { size, _ in size }
      var given = Dictionary(
        uniqueKeysWithValues: try entry.sample(binding, element: element, seed: UInt64(step.number)).tables.map {
          (Name($0.key), $0.value)
        })
      if layout == .ragged, let length = binding["S"] {
        given["offsets"] = ReferenceArray(.i32, [4], integers: [0, length / 3, length / 3 + 2, length].map(Int64.init))
      }
      let inputs = try randomInputs(graph, binding, seed: UInt64(step.number), given: given)
      var tolerance = Tolerance.sums
      if let own = entry.tolerance { tolerance.f32 = own }
      var targets = [step.pick(hostTargets)]
      if element == .bf16, allHostTargets.contains(.x86AVX512BF16) { targets = [step.pick([targets[0], .x86AVX512BF16])] }
      try expectAgreement(
        graph, [inputs], tolerance, attentions: 1, targets: targets, note: "\(entry.name) \(element) \(layout) \(step.number) ")
    }
  }
}

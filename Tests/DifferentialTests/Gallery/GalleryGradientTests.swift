import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Gradients of attention with every mask and score of the library, with respect to queries, keys, values and captured tensors.
@Suite struct GalleryGradientTests {
  private static let entries = Gallery.entries(unit: 1)

  /// An entry's shortest binding.
  private static func shortest(_ entry: GalleryEntry) -> Int {
    entry.sizes.indices.min { entry.sizes[$0].values.reduce(1, *) < entry.sizes[$1].values.reduce(1, *) }!
  }

  /// Inputs of attention with an entry.
  private static func inputs(
    _ graph: Graph, _ entry: GalleryEntry, _ number: Int, _ element: ElementType, _ layout: GalleryTests.Layout, batch: Int = 1
  ) throws -> [Name: ReferenceArray] {
    let binding = entry.binding(number, batch: batch).merging(["D": 3]) { size, _ in size }
    var given = Dictionary(
      uniqueKeysWithValues: try entry.sample(binding, element: element).tables.map { (Name($0.key), $0.value) })
    if layout == .ragged, let length = binding["S"] {
      given["offsets"] = ReferenceArray(.i32, [4], integers: [0, length / 3, length / 3 + 2, length].map(Int64.init))
    }
    return try randomInputs(graph, binding, seed: UInt64(number + 1), given: given)
  }

  private static func layout(_ number: Int, _ entry: GalleryEntry) -> GalleryTests.Layout {
    let layout = GalleryTests.layouts[number % GalleryTests.layouts.count]
    return layout.fits(entry) ? layout : .grouped
  }

  /// The rules of the fused op in double precision: both modes against differences and each other.
  @Test(arguments: entries.indices) func rulesAgreeWithDifferences(_ number: Int) throws {
    let entry = Self.entries[number]
    let layout = Self.layout(number, entry)
    let fused = try GalleryTests.graph(entry, .f64, layout).optimized(options()).graph.ir
    #expect(fused.body.count { fused.op($0) == .attention } == 1)
    var check = DirectionalCheck()
    check.directions = 1
    let inputs = try Self.inputs(fused, entry, Self.shortest(entry), .f64, layout)
    let failures = try check.failures(of: fused, at: inputs)
    #expect(failures.isEmpty, "\(entry.name) \(layout)")
  }

  /// Compiled gradients against the interpreter's: element types, layouts, widths and targets in turn.
  @Test(arguments: entries.indices) func compiledGradientsAgree(_ number: Int) throws {
    let entry = Self.entries[number]
    let step = Combination(number: number)
    let (layout, element) = (Self.layout(number + 1, entry), step.pick(floatTypes))
    let graph = try GalleryTests.graph(entry, element, layout, widths: step.pick(GalleryTests.widths)).reverseGraph()
    let inputs = try Self.inputs(graph, entry, number % entry.sizes.count, element, layout)
    var tolerance = Tolerance.loose
    if let own = entry.tolerance { tolerance.f32 = own }
    try expectAgreement(
      graph, [inputs], tolerance, targets: [step.pick(hostTargets)], note: "\(entry.name) \(element) \(layout) ")
  }

  /// The same bits for any number of threads, captured tables included.
  @Test(arguments: entries.indices) func threads(_ number: Int) throws {
    let entry = Self.entries[number]
    let layout = Self.layout(number + 2, entry)
    let graph = try GalleryTests.graph(entry, .f32, layout).reverseGraph()
    let inputs = try Self.inputs(graph, entry, entry.sizes.count - 1, .f32, layout, batch: 2)
    try expectSameBits(graph, [inputs], note: "\(entry.name) \(layout) ")
  }

  /// A matrix of all pairs is in the program of no gradient but those of tensors that are such a matrix.
  @Test(arguments: entries.indices) func noMatrixOfPairsIsStored(_ number: Int) throws {
    let entry = Self.entries[number]
    for layout in [GalleryTests.Layout.heads, .grouped, .ragged] where layout.fits(entry) {
      let graph = try GalleryTests.graph(entry, .f32, layout)
      let lowered = try graph.reverseGraph().lowered(options())
      Self.expectNoMatrix(lowered, entry, layout)
    }
  }

  /// Whether a shape has the extents of the queries and of the keys.
  private static func isMatrix(_ shape: Shape, _ entry: GalleryEntry) -> Bool {
    let (rows, keys) = (entry.queries, entry.keys)
    let pairs = rows * keys
    if shape.extents.contains(pairs) { return true }
    return rows == keys ? shape.extents.count { $0 == rows } > 1 : shape.extents.contains(rows) && shape.extents.contains(keys)
  }

  private static func expectNoMatrix(_ lowered: LoweredGraph, _ entry: GalleryEntry, _ layout: GalleryTests.Layout) {
    let stored = entry.tables.filter { isMatrix($0.shape, entry) }
    for buffer in lowered.program.buffers where isMatrix(buffer.type.shape, entry) {
      if case .input = buffer.storage { continue }
      // The gradient of a captured matrix of floats, and where it is summed.
      let isGradient = stored.contains { table in table.element == nil }
      #expect(isGradient, "\(entry.name) \(layout): \(buffer.name) \(buffer.type)\n\(lowered.graph.text)")
    }
    let stores = lowered.remarks.description.split(separator: "\n").filter { $0.contains("stored matrix") }
    #expect(stores.isEmpty, "\(entry.name): \(stores)")
  }

  /// What is stored is said: the derivative of the rows' greatest scores.
  @Test func aStoredMatrixIsRemarked() throws {
    let graph = try Graph(building: "greatest") { g in
      let (q, k) = (g.input("q", .f32, ["M", 8]), g.input("k", .f32, ["N", 8]))
      let scores = matmul(q, k.transposed())
      let greatest = scores.max(-1, keepingDimensions: true)
      return matmul(softmax(scores), g.input("v", .f32, ["N", 8])) + greatest
    }
    let lowered = try graph.reverseGraph().lowered(options())
    let isStored = lowered.program.buffers.contains { buffer in
      buffer.type.shape.extents.contains("M") && buffer.type.shape.extents.contains("N")
    }
    #expect(isStored == lowered.remarks.description.contains("stored matrix"), "\(lowered.remarks)\n\(lowered.graph.text)")
    #expect(isStored)
  }
}

import Heed
import HeedTestSupport
import Testing

/// Keys and values in pages that a table names, written as plain tensor math: read in place.
@Suite struct PagedTests {
  /// Attention of `queries` rows, the last ones of each sequence, to a cache of `pages` pages a sequence.
  struct Form: Sendable {
    var element = ElementType.f32
    var heads = 4
    var keyHeads = 2
    var size = 16
    var width = 32
    var valueWidth = 32
    var areHeadsFirst = false
    var isCausal = false
    /// The type of the cache, where that is another than the queries'.
    var cache: ElementType?
  }

  static func graph(_ form: Form, queries: Extent = "M") -> Graph {
    Graph("paged") { g in
      let (heads, keyHeads, size) = (Extent(form.heads), Extent(form.keyHeads), Extent(form.size))
      let q = g.input("q", form.element, ["B", heads, queries, Extent(form.width)])
      let (table, lengths) = (g.input("table", .i32, ["B", "P"]), g.input("lengths", .i32, ["B"]))
      /// [B, heads, P*size, width] of pages [C, size, heads, width] or [C, heads, size, width].
      func rows(_ name: String, _ width: Int) -> Tensor {
        let shape: Shape = form.areHeadsFirst ? ["C", keyHeads, size, Extent(width)] : ["C", size, keyHeads, Extent(width)]
        let taken = g.input(name, form.cache ?? form.element, shape).gather(table)
        let ordered = form.areHeadsFirst ? taken.transposed(0, 2, 1, 3, 4) : taken.transposed(0, 3, 1, 2, 4)
        let rows = ordered.reshape(["B", keyHeads, "P" * size, Extent(width)]).cast(to: form.element)
        if heads == keyHeads { return rows }
        let group = rows.expandingDimension(2).broadcast(to: [
          "B", keyHeads, Extent(form.heads / form.keyHeads), "P" * size, Extent(width),
        ])
        return group.reshape(["B", heads, "P" * size, Extent(width)])
      }
      let (k, v) = (rows("keys", form.width), rows("values", form.valueWidth))
      let scores = matmul(q, k.transposed()) * 0.25
      let length = lengths.broadcast(to: scores.shape, dimensions: [0])
      var live = scores.index(3) < length
      if form.isCausal { live = live && scores.index(3) <= scores.index(2) + length - q.size(2) }
      return matmul(softmax(scores.where(live, else: -.infinity)), v)
    }
  }

  private static func inputs(_ graph: Graph, queries: Int, pages: Int, lengths: [Int64]) throws -> [Name: ReferenceArray] {
    try randomInputs(
      graph, ["B": lengths.count, "M": queries, "P": pages, "C": 6],
      given: ["lengths": ReferenceArray(.i32, [lengths.count], integers: lengths)])
  }

  /// One query, a few and many; pages of every size; heads that share keys.
  @Test(arguments: Combination.first(16)) func agrees(_ combination: Combination) throws {
    let heads = combination.pick([(4, 2), (3, 3), (8, 1)])
    let form = Form(
      element: combination.pick(floatTypes), heads: heads.0, keyHeads: heads.1, size: combination.pick([16, 5, 1, 64, 50]),
      width: combination.pick([32, 8, 33, 64, 7]), valueWidth: combination.pick([32, 24, 5]),
      areHeadsFirst: combination.number % 2 == 1, isCausal: combination.number % 4 > 1)
    let graph = Self.graph(form)
    let pages = max(1, combination.pick([130, 60, 1100]) / form.size)
    let most = Int64(pages * form.size)
    let inputs = try [1, combination.pick([3, 40, 17])].map {
      try Self.inputs(graph, queries: $0, pages: pages, lengths: [most, 0, most / 3])
    }
    var targets = [combination.pick(hostTargets)]
    if form.element == .bf16, allHostTargets.contains(.x86AVX512BF16) { targets.append(.x86AVX512BF16) }
    try expectAgreement(graph, inputs, .loose, attentions: 1, targets: targets, note: "\(combination.number) \(form) ")
  }

  /// A cache of 16-bit floats is widened as it is read.
  @Test(arguments: [ElementType.bf16, .f16]) func narrowCache(_ cache: ElementType) throws {
    let graph = Self.graph(Form(cache: cache))
    let inputs = try [1, 40].map { try Self.inputs(graph, queries: $0, pages: 5, lengths: [80, 3]) }
    try expectAgreement(graph, inputs, .loose, attentions: 1, targets: [allHostTargets.last!])
  }

  /// No array as long as the cache stands between it and the kernel.
  @Test(arguments: [Form(), Form(areHeadsFirst: true), Form(cache: .bf16)]) func nothingIsCopied(_ form: Form) throws {
    let program = try Self.graph(form, queries: 1).compile(options()).program
    #expect(!program.steps.contains { $0.op == .gather })
    let intermediates = program.buffers.filter { if case .slot = $0.storage { true } else { false } }
    #expect(!intermediates.contains { $0.type.shape.count.symbols.contains("P") }, "\(program)")
  }

  /// Sequences that share whole rows of a cache: a gather along the batch.
  @Test func sharedPrefixes() throws {
    let graph = Graph("shared") { g in
      let q = g.input("q", .f32, ["B", 2, "M", 16])
      let which = g.input("which", .i32, ["B"])
      func rows(_ name: String) -> Tensor { g.input(name, .f32, ["C", 2, "N", 16]).gather(which) }
      return matmul(softmax(matmul(q, rows("keys").transposed()) * 0.25), rows("values"))
    }
    let binding: [Name: Int] = ["B": 3, "C": 6, "M": 1, "N": 75]
    try expectAgreement(
      graph, at: [binding, binding.merging(["M": 50]) { $1 }, binding.merging(["N": 0]) { $1 }], attentions: 1,
      targets: [hostTargets.last!])
    #expect(try graph.compile(options()).program.kernels.map(\.name.text) == ["attention"])
  }

  /// An entry outside the pages is found before anything is read.
  @Test func entriesAreChecked() throws {
    let graph = Self.graph(Form(), queries: 1)
    var inputs = try Self.inputs(graph, queries: 1, pages: 3, lengths: [20])
    inputs["table"]!.integers[1] = 6
    let compiled = try graph.compile(options())
    #expect(throws: HeedError.self) { _ = try compiled.run(graph, inputs, guarding: .ends) }
  }

  /// Pages that are used elsewhere too, or that the graph numbers itself, are gathered, which a remark says.
  @Test func whatIsCopied() throws {
    let graph = Graph("copied") { g in
      let (q, table) = (g.input("q", .f32, ["B", 1, 16]), g.input("table", .i32, ["B", "P"]))
      func rows(_ name: String) -> Tensor {
        g.input(name, .f32, ["C", 4, 16]).gather(minimum(table, 5)).reshape(["B", "P" * 4, 16])
      }
      return matmul(softmax(matmul(q, rows("keys").transposed())), rows("values"))
    }
    let remarks = try graph.compile(options()).remarks.description
    #expect(remarks.contains("gathered into a buffer first"))
    try expectAgreement(graph, at: [["B": 2, "P": 3, "C": 6]], attentions: 1, targets: [hostTargets.last!])
  }
}

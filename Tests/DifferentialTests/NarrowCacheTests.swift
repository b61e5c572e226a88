import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Attention to keys and values of fewer bytes than the queries: small integers with scales, narrower floats.
@Suite struct NarrowCacheTests {
  enum Pairs: CaseIterable { case all, causal, window, segments }

  struct Form: Sendable {
    var queries = ElementType.f32
    var keys = ElementType.i8
    var values = ElementType.i8
    var pairs = Pairs.all
    var keyHeads = 2
    var width = 32
    var valueWidth = 24
    /// Whether keys and values have a zero point.
    var isShifted = false
    /// Whether values have a scale for each key, else one for each component.
    var scalesValues = false
  }

  /// Keys with a scale each, values with one for each component of a head.
  static func graph(_ form: Form, rows: Extent = "M", columns: Extent = "N") -> Graph {
    Graph("narrow") { g in
      let q = g.input("q", form.queries, ["B", 4, rows, Extent(form.width)])
      func stored(_ name: String, _ element: ElementType, _ width: Int) -> Tensor {
        g.input(name, element, ["B", Extent(form.keyHeads), columns, Extent(width)]).cast(to: form.queries)
      }
      func repeated(_ rows: Tensor, _ width: Int) -> Tensor {
        if form.keyHeads == 4 { return rows }
        let shape: Shape = ["B", Extent(form.keyHeads), Extent(4 / form.keyHeads), columns, Extent(width)]
        return rows.expandingDimension(2).broadcast(to: shape).reshape(["B", 4, columns, Extent(width)])
      }
      var (k, v) = (stored("k", form.keys, form.width), stored("v", form.values, form.valueWidth))
      if !form.keys.isFloat {
        if form.isShifted { k = k - 3 }
        k = k * g.input("ks", form.queries, ["B", Extent(form.keyHeads), columns]).broadcast(to: k.shape, dimensions: [0, 1, 2])
      }
      if !form.values.isFloat {
        if form.isShifted { v = v - 100 }
        let heads = Extent(form.keyHeads)
        let scale =
          form.scalesValues
          ? g.input("vs", form.queries, ["B", heads, columns]).broadcast(to: v.shape, dimensions: [0, 1, 2])
          : g.input("vs", form.queries, [heads, Extent(form.valueWidth)]).broadcast(to: v.shape, dimensions: [1, 3])
        v = v * scale
      }
      var scores = matmul(q, repeated(k, form.width).transposed()) * 0.01
      let distance = scores.index(2) - scores.index(3)
      switch form.pairs {
      case .all: break
      case .causal: scores = scores.where(distance >= 0, else: -.infinity)
      case .window: scores = scores.where(distance >= 0 && distance < 9, else: -.infinity)
      case .segments:
        let ids = g.segmentIDs(g.input("offsets", .i32, ["C" + 1]), count: rows)
        let (ofQuery, ofKey) = (ids.broadcast(to: scores.shape, dimensions: [2]), ids.broadcast(to: scores.shape, dimensions: [3]))
        scores = scores.where(ofQuery == ofKey, else: -.infinity)
      }
      return matmul(softmax(scores), repeated(v, form.valueWidth))
    }
  }

  /// Integers of the whole range.
  static func inputs(_ graph: Graph, _ binding: [Name: Int], seed: UInt64 = 3) throws -> [Name: ReferenceArray] {
    var (numbers, given) = (SeededGenerator(seed: seed), [Name: ReferenceArray]())
    for argument in graph.arguments {
      let type = graph.type(argument.value)
      guard [.i8, .u8].contains(type.element) else { continue }
      let shape = try type.shape.evaluate { binding[$0] }
      let integers = (0..<shape.reduce(1, *)).map { _ in Int64.random(in: type.element.integerRange, using: &numbers) }
      given[graph.name(argument.value)] = ReferenceArray(type.element, shape, integers: integers)
    }
    if let rows = binding["T"] {
      let end = Int64(rows)
      given["offsets"] = ReferenceArray(.i32, [4], integers: [0, end / 3, end / 3, end])
    }
    return try randomInputs(graph, binding, seed: seed, given: given)
  }

  private static let types: [(queries: ElementType, keys: ElementType, values: ElementType)] = [
    (.f32, .i8, .i8), (.f32, .u8, .i8), (.f32, .bf16, .i8), (.f32, .i8, .f16), (.bf16, .i8, .u8), (.f16, .u8, .u8),
    (.f64, .i8, .f32), (.f32, .bf16, .f16), (.f32, .i8, .f32), (.bf16, .i8, .bf16), (.bf16, .bf16, .i8),
  ]

  /// A few rows and many, in every schedule; widths that vectors do not divide.
  @Test(arguments: Combination.first(24)) func agrees(_ combination: Combination) throws {
    let types = combination.pick(Self.types)
    let form = Form(
      queries: types.queries, keys: types.keys, values: types.values, pairs: combination.pick(Pairs.allCases),
      keyHeads: combination.pick([4, 2, 1]), width: combination.pick([32, 7, 64, 33, 16]),
      valueWidth: combination.pick([32, 24, 5, 65, 16, 1, 8]), isShifted: combination.number % 3 == 1,
      scalesValues: combination.number % 2 == 1)
    let isRagged = form.pairs == .segments
    let graph = Self.graph(form, rows: isRagged ? "T" : "M", columns: isRagged ? "T" : "N")
    let sizes: [[Name: Int]] =
      isRagged
      ? [["B": 1, "T": 3, "C": 3], ["B": 2, "T": 140, "C": 3]]
      : [["B": 2, "M": 1, "N": 130], ["B": 1, "M": 3, "N": 1100], ["B": 1, "M": 70, "N": 150], ["B": 1, "M": 2, "N": 0]]
    var targets = [combination.pick(hostTargets)]
    if types.queries == .bf16, allHostTargets.contains(.x86AVX512BF16) { targets.append(.x86AVX512BF16) }
    let inputs = try sizes.map { try Self.inputs(graph, $0, seed: UInt64(combination.number)) }
    var tolerance = Tolerance.loose
    tolerance.roundings = 16
    try expectAgreement(graph, inputs, tolerance, attentions: 1, targets: targets, note: "\(combination.number) \(form) ")
  }

  /// The logarithm of the sum, and a second pass over the keys for sums over the queries.
  @Test(arguments: [1, 40]) func statistics(_ rows: Int) throws {
    let graph = try DifferentialTests.graph(
      "%q: f32[2, M, 16], %k: i8[2, N, 16], %v: bf16[2, N, 8], %ks: f32[2, N]",
      """
      %a = convert %k : f32[2, N, 16]
      %b = broadcast %ks {dims = [0, 1]} : f32[2, N, 16]
      %c = multiply %a, %b
      %s = contract %q, %c {subscripts = "hid,hjd->hij"}
      %x = multiply %s, 0.02
      %p = softmax %x {dim = 2}
      %lse = log_sum_exp %x {dim = 2}
      %columns = reduce %p {dims = [1], kind = add}
      %d = convert %v : f32[2, N, 8]
      %o = contract %p, %d {subscripts = "hij,hje->hie"}
      return %o, %lse, %columns
      """)
    try expectAgreement(graph, [Self.inputs(graph, ["M": rows, "N": 150])], .loose, attentions: 1)
  }

  /// Pages of small integers are read where they lie.
  @Test(arguments: [1, 40]) func pages(_ rows: Int) throws {
    let graph = Graph("pages") { g in
      let q = g.input("q", .f32, ["B", 2, "M", 16])
      let (table, lengths) = (g.input("table", .i32, ["B", "P"]), g.input("lengths", .i32, ["B"]))
      func rows(_ name: String) -> Tensor {
        let taken = g.input(name, .i8, ["C", 16, 2, 16]).gather(table).cast(to: .f32) * 0.03
        return taken.transposed(0, 3, 1, 2, 4).reshape(["B", 2, "P" * 16, 16])
      }
      let scores = matmul(q, rows("keys").transposed())
      let live = scores.index(3) < lengths.broadcast(to: scores.shape, dimensions: [0])
      return matmul(softmax(scores.where(live, else: -.infinity)), rows("values"))
    }
    let binding: [Name: Int] = ["B": 2, "M": rows, "P": 5, "C": 6]
    var inputs = try Self.inputs(graph, binding)
    inputs["lengths"] = ReferenceArray(.i32, [2], integers: [80, 7])
    try expectAgreement(graph, [inputs], .loose, attentions: 1)
    #expect(!(try graph.compile(options()).program.steps.contains { $0.op == .gather }))
  }

  /// Nothing in memory is as large as the cache: it is not widened there.
  @Test(arguments: [
    Form(), Form(keys: .bf16, values: .f16), Form(queries: .f16, keyHeads: 4), Form(isShifted: true, scalesValues: true),
  ])
  func nothingIsWidened(_ form: Form) throws {
    let program = try Self.graph(form, rows: 1).compile(options()).program
    let binding: [Name: Int] = ["B": 2, "N": 4096]
    let cache = 2 * form.keyHeads * 4096 * min(form.width, form.valueWidth) * form.keys.byteCount
    for buffer in program.buffers {
      guard case .slot = buffer.storage else { continue }
      let bytes = try buffer.type.shape.evaluate { binding[$0] }.reduce(buffer.type.element.byteCount, *)
      #expect(bytes < cache / 2, "\(buffer.name) \(buffer.type)")
    }
  }
}

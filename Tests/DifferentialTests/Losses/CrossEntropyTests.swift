import Foundation
import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Cross-entropy of logits that are a product: what it is, and that neither it nor its gradients store the logits.
@Suite struct CrossEntropyTests {
  static let cases = LossCase.library + LossCase.written
  private static let (classes, width) = (9, 5)

  private static func inputs(_ graph: Graph, _ binding: [Name: Int], seed: UInt64 = 1) throws -> [Name: ReferenceArray] {
    let labels = graph.arguments.first { graph.name($0.value) == "labels" }!
    let shape = try graph.type(labels.value).shape.evaluate { binding[$0] }
    var numbers = SeededGenerator(seed: seed)
    let count = shape.reduce(1, *)
    let array = ReferenceArray(.i32, shape, integers: (0..<count).map { _ in Int64(numbers.next() % 6) })
    return try randomInputs(graph, binding, seed: seed, given: ["labels": array])
  }

  private static func rows(_ number: Int) -> (shape: Shape, binding: [Name: Int]) {
    number % 2 == 0 ? (["T"], ["T": 7 + number]) : (["B", "T"], ["B": 2, "T": 3 + number])
  }

  /// The buffers of a program that hold a number for each of a million rows and 30,000 classes.
  private static func stored(_ graph: Graph, rows: Shape) throws -> [String] {
    let length = rows.rank == 1 ? 1_000_000 : 1_000
    return try graph.lowered(options()).program.buffers.filter { buffer in
      try buffer.type.shape.count.evaluate { _ in length } >= 1_000_000 * 30_000
    }.map { "\($0.name): \($0.type)" }
  }

  @Test(arguments: cases.indices, floatTypes) func valuesAgree(_ number: Int, _ element: ElementType) throws {
    let (rows, binding) = Self.rows(number)
    let graph = try Self.cases[number].graph(element, rows: rows, classes: Self.classes, width: Self.width)
    try expectAgreement(
      graph, [try Self.inputs(graph, binding)], .loose, targets: [hostTargets[number % hostTargets.count]],
      note: "\(Self.cases[number]) \(element) ")
  }

  @Test(arguments: cases.indices, floatTypes) func gradientsAgree(_ number: Int, _ element: ElementType) throws {
    let (rows, binding) = Self.rows(number + 1)
    let graph = try Self.cases[number].graph(element, rows: rows, classes: Self.classes, width: Self.width).reverseGraph()
    try expectAgreement(
      graph, [try Self.inputs(graph, binding)], .loose, targets: [hostTargets[number % hostTargets.count]],
      note: "\(Self.cases[number]) \(element) ")
  }

  /// The rules of what the passes make, in double precision, second derivatives as well.
  @Test(arguments: cases.indices) func rulesAgreeWithDifferences(_ number: Int) throws {
    let (rows, binding) = Self.rows(number)
    let graph = try Self.cases[number].graph(.f64, rows: rows, classes: Self.classes, width: Self.width)
    let fused = try graph.optimized(options()).graph.ir
    #expect(!fused.body.contains { fused.op($0) == .logSumExp }, "\(Self.cases[number])\n\(fused.text)")
    var check = DirectionalCheck()
    check.directions = 1
    let failures = try check.failures(of: fused, at: Self.inputs(graph, binding), order: 2)
    #expect(failures.isEmpty, "\(Self.cases[number])\n\(fused.text)")
  }

  /// Forward and gradients for any number of rows of 30,000 classes.
  @Test(arguments: cases.indices) func noLogitsAreStored(_ number: Int) throws {
    for shape in [["T"], ["B", "T"]] as [Shape] {
      let graph = try Self.cases[number].graph(.f32, rows: shape, classes: 30_000, width: 64)
      for derived in [graph, try graph.reverseGraph(), try graph.forwardGraph()] {
        let stored = try Self.stored(derived, rows: shape)
        #expect(stored.isEmpty, "\(Self.cases[number]) \(derived.text)")
      }
    }
  }

  /// Where something else is done with the logits they are stored, and a remark says why.
  @Test func whatIsStoredIsRemarked() throws {
    let graph = try Graph(building: "returned") { g in
      let (h, table) = (g.input("h", .f32, ["T", 64]), g.input("table", .f32, [30_000, 64]))
      let logits = matmul(h, table.transposed()).named("logits")
      return [crossEntropy(logits, g.input("labels", .i32, ["T"])).named("loss"), logits]
    }
    #expect(try Self.stored(graph, rows: ["T"]).contains("logits: f32[T, 30000]"))
    let remarks = try graph.optimized(options()).remarks.description
    #expect(remarks.contains("declined: it is stored: %logits is returned by the graph; a call stores 120000*T bytes for it"))
  }

  /// A small head stays a product.
  @Test func fewClassesAreStored() throws {
    let fused = try LossCase.library[0].graph(.f32, classes: 10, width: 64).optimized(options()).graph.ir
    #expect(fused.body.contains { fused.op($0) == .logSumExp } && !fused.body.contains { fused.op($0) == .attention })
  }

  @Test(arguments: [0, 3, 8, 12]) func threads(_ number: Int) throws {
    let graph = try Self.cases[number].graph(.f32, classes: 300, width: 24).reverseGraph()
    try expectSameBits(graph, [try Self.inputs(graph, ["T": 130])])
  }
}

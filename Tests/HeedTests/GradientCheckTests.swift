import Foundation
import Heed
import Testing

/// Central differences, random arguments, and what a check of derivatives finds.
@Suite struct GradientCheckTests {
  private func differences(_ functions: [(Double) -> Double], at center: Double) -> [CentralDifference] {
    CentralDifference.all(
      center: functions.map { $0(center) }, magnitudes: functions.map { abs($0(center)) }, scales: functions.map { _ in 1e-3 },
      bound: 1e-6
    ) { number in functions.map { $0(center + number) } }
  }

  @Test func smoothFunctions() {
    for x in [-1.5, 0, 0.3, 4] {
      let functions: [(Double) -> Double] = [{ Foundation.sin($0) }, { Foundation.exp($0) }, { $0 * $0 * $0 }, { _ in 3 }]
      let derivatives: [Double] = [Foundation.cos(x), Foundation.exp(x), 3 * x * x, 0]
      for (difference, expected) in zip(differences(functions, at: x), derivatives) {
        #expect(difference.isReliable)
        #expect(abs(difference.value - expected) <= 1e-9 * abs(expected) + difference.noise, "\(x): \(difference) \(expected)")
        #expect(difference.noise < 1e-6)
      }
    }
  }

  /// Kinks and jumps at the point, and on either side of it at distances around the steps.
  @Test func kinksAreFound() {
    for distance in [0, 1e-7, -1e-7, 3e-7, -3e-7] {
      let functions: [(Double) -> Double] = [
        { Swift.abs($0 - distance) + $0 }, { Swift.max($0 - distance, 0) }, { $0 < distance ? 0 : 1 },
        { $0 < distance ? $0 : 1.001 * $0 }, { ($0 - distance).squareRoot() },
      ]
      let found = differences(functions, at: 0)
      #expect(found.allSatisfy { !$0.isReliable }, "\(distance): \(found)")
    }
    // A kink that a smaller step does not reach.
    let near = differences([{ Swift.max($0 - 1e-4, 0) + $0 }], at: 0)[0]
    #expect(near.isReliable && Swift.abs(near.value - 1) < 1e-8)
  }

  @Test func randomArguments() throws {
    let graph = try Graph.parse(
      """
      graph @g(%table: f32[N, 2], %ids: i64[4], %pages: i32[3, 2], %cache: f32[5, 2], %offsets: i32[B + 1], %free: u8[100],
        %live: bool[50]) {
        %0 = gather %table, %ids {dim = 0} : f32[4, 2]
        %1 = reshape %pages : i32[6]
        %2 = convert %1 : i64[6]
        %3 = gather %cache, %2 {dim = 0} : f32[6, 2]
        %4 = segment_sum %0, %offsets : f32[B, 2]
        return %3, %4, %free, %live
      }
      """, file: "g")[0]
    try graph.verify()
    let arguments = try RandomArguments(graph, binding: ["N": 3, "B": 3])
    var (pages, ids): (Set<Int64>, Set<Int64>) = ([], [])
    for seed in 0..<40 as Range<UInt64> {
      let arrays = try arguments.arrays(seed: seed)
      ids.formUnion(arrays["ids"]!.integers)
      pages.formUnion(arrays["pages"]!.integers)
      let offsets = arrays["offsets"]!.integers
      #expect(offsets.count == 4 && offsets.first == 0 && offsets.last == 4 && offsets == offsets.sorted())
      #expect(Set(arrays["free"]!.integers) == [0, 1, 2, 3] && Set(arrays["live"]!.integers) == [0, 1])
    }
    #expect(ids == [0, 1, 2] && pages == [0, 1, 2, 3, 4])
    #expect(try arguments.arrays(seed: 7) == arguments.arrays(seed: 7))
    #expect(try arguments.arrays(seed: 7)["table"] != arguments.arrays(seed: 8)["table"])
    let given = ReferenceArray(.i64, [4], integers: [2, 2, 2, 2])
    #expect(try arguments.arrays(seed: 7, given: ["ids": given])["ids"] == given)
  }

  private func report(
    _ text: String, _ binding: [Name: Int] = [:], given: [Name: ReferenceArray] = [:],
    _ change: (inout GradientCheck.Options) -> Void = { _ in }
  ) throws -> GradientReport {
    var options = GradientCheck.Options()
    change(&options)
    return try GradientCheck.report(on: Graph.parse(text, file: "g")[0], binding: binding, given: given, options: options)
  }

  private let linear = """
    graph @g(%x: f32[S, 3], parameter %w: f32[3, 2], %b: f16[2]) {
      %0 = contract %x, %w {subscripts = "sk,kn->sn"} : f32[S, 2]
      %1 = convert %b : f32[2]
      %2 = broadcast %1 {dims = [1]} : f32[S, 2]
      %3 = add %0, %2 : f32[S, 2]
      %y = exp %3 : f32[S, 2]
      %loss = reduce %y {dims = [0, 1], kind = add} : f32
      return %y, %loss
    }
    """

  @Test func rightDerivatives() throws {
    let found = try report(linear, ["S": 4]) { options in
      (options.isSecondOrder, options.executions) = (true, [.optimized, .compiled])
    }
    try found.verify()
    #expect(found.rows.allSatisfy { $0.unreliable == 0 && $0.worst!.error < 1e-6 && !$0.isZero }, "\(found)")
    let results = Set(found.rows.map(\.result))
    #expect(results == ["y", "loss", "all results", "gradient.x", "gradient.w", "gradient.b", "all gradients"])
    // Each of 12 elements of %x is in four of seven combinations, and once more each in what runs otherwise.
    let row = try #require(found.rows.first { $0.result == "y" && $0.input == "%x" && $0.method == .reverse })
    #expect(row.checked == 4 * 12)
    #expect(found.rows.contains { $0.execution == .compiled && $0.method == .forward && $0.checked > 0 })
  }

  /// Whole numbers have no derivative, so that of their sum with the number that they came from is half of what it should be.
  private let straightThrough = """
    graph @g(%x: f32[2, 3], %y: f32[2, 3]) {
      %0 = multiply %x, 1125899906842624.0 : f32[2, 3]
      %1 = convert %0 : i64[2, 3]
      %2 = convert %1 : f32[2, 3]
      %3 = multiply %2, 8.8817841970012523e-16 : f32[2, 3]
      %4 = add %x, %3 : f32[2, 3]
      %out = multiply %4, %y : f32[2, 3]
      return %out
    }
    """

  @Test func wrongDerivatives() throws {
    let found = try report(straightThrough)
    func worst(_ method: GradientReport.Method, _ input: String) throws -> GradientReport.Comparison {
      try #require(found.rows.first { $0.method == method && $0.input == input }?.worst)
    }
    let gradient = try worst(.reverse, "%x")
    #expect(abs(gradient.error - 0.5) < 1e-6 && abs(gradient.expected - 2 * gradient.derivative) < 1e-6)
    #expect(gradient.indices?.count == 2)
    #expect(try worst(.reverse, "%y").error < 1e-6)
    #expect(found.rows.filter { $0.method == .forward || $0.method == .direction }.allSatisfy { $0.worst!.error > 0.1 })
    // Both modes are wrong in the same way.
    #expect(found.rows.filter { $0.method == .innerProduct }.allSatisfy { $0.worst!.error < 1e-10 })
    #expect { try found.verify() } throws: { error in
      let message = (error as? HeedError)?.message ?? ""
      return message.contains("of %out") && message.contains(" at [")
        && message.contains("by central differences, within 1e-06 of it")
    }
  }

  /// A jump at each whole number.
  private let jumps = """
    graph @g(%x: f32[20]) {
      %0 = convert %x : i32[20]
      %1 = convert %0 : f32[20]
      %out = multiply %x, %1 : f32[20]
      return %out
    }
    """

  @Test func kinksAreNotErrors() throws {
    func found(_ wholeNumbers: Int) throws -> GradientReport {
      let numbers = (0..<20).map { Double($0) - 10 + ($0 < wholeNumbers ? 0 : 0.5) }
      return try report(jumps, given: ["x": ReferenceArray(.f64, [20], reals: numbers)])
    }
    let few = try found(1)
    try few.verify()
    #expect(few.rows.first { $0.method == .reverse }.map { [$0.checked, $0.unreliable] } == [19, 1])
    // The largest element counts in the sum.
    #expect(few.rows.allSatisfy { $0.method == .direction ? $0.checked == 0 : $0.worst!.error < 1e-6 })
    #expect { try found(5).verify() } throws: { error in
      (error as? HeedError)?.message.contains("elements near kinks or jumps") == true
    }
  }

  @Test func nothingToCheck() throws {
    func message(_ text: String) -> String? {
      do { try report(text).verify() } catch { return (error as? HeedError)?.message }
      return nil
    }
    let (whole, missing) = ("graph @g(%i: i32[2]) {\n  return %i\n}", "expected one to differentiate")
    #expect(message(whole) == "@g: got a graph without an input of floats, \(missing)")
    let bits = "graph @g(%x: f32[2]) {\n  %y = convert %x : i32[2]\n  return %y\n}"
    #expect(message(bits) == "@g: got a graph without a result of floats, \(missing)")
    let zeros = "graph @g(%x: f32[2]) {\n  %0 = convert %x : i32[2]\n  %y = convert %0 : f32[2]\n  return %y\n}"
    #expect(message(zeros) == "@g: got derivatives that are all 0, expected one that is not 0")
    let empty = "graph @g(%x: f32[0]) {\n  %y = exp %x : f32[0]\n  return %y\n}"
    #expect(message(empty) == "@g: got derivatives that are all 0, expected one that is not 0")
  }

  /// A term that all keys share cancels in the softmax: its derivative is what rounding leaves, in either mode.
  @Test func derivativesThatCancel() throws {
    let found = try report(
      """
      graph @g(%q: f32[M, 4], %k: f32[N, 4], %bias: f32[4]) {
        %0 = broadcast %bias {dims = [1]} : f32[N, 4]
        %1 = add %k, %0 : f32[N, 4]
        %2 = contract %q, %1 {subscripts = "id,jd->ij"} : f32[M, N]
        %out = softmax %2 {dim = 1} : f32[M, N]
        return %out
      }
      """, ["M": 5, "N": 6])
    try found.verify()
    #expect(found.rows.contains { $0.input == "%bias" && $0.method == .reverse && $0.isZero })
  }

  /// Of more than four inputs each alone and all together; of a large one some elements.
  @Test func manyAndLargeInputs() throws {
    let names = (0..<5).map { "%x\($0)" }
    let text = """
      graph @g(\(names.map { "\($0): f32[1000]" }.joined(separator: ", "))) {
        %0 = multiply %x0, %x1 : f32[1000]
        %1 = multiply %0, %x2 : f32[1000]
        %2 = multiply %1, %x3 : f32[1000]
        %3 = multiply %2, %x4 : f32[1000]
        %out = reduce %3 {dims = [0], kind = add} : f32
        return %out
      }
      """
    let found = try report(text) { $0.mostElements = 10 }
    try found.verify()
    #expect(found.rows.filter { $0.method == .reverse }.map(\.checked) == [20, 20, 20, 20, 20])
    #expect(found.rows.filter { $0.method == .direction }.map(\.checked) == [12])
  }
}

import ArgumentParser
import Foundation
import Heed
import HeedInterpreter

/// `heed bench linear-attention`: causal linear attention, and how its time grows with the rows.
struct BenchLinearAttentionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "linear-attention", abstract: "Measures causal linear attention with the feature map elu(x) + 1.",
    discussion: "The field twice_seconds is the best time of twice as many rows: linear time is twice as long.")

  @Option(help: "The number of sequences.") var batch = 1
  @Option(help: "The number of query heads.") var heads = 8
  @Option(help: "The number of key and value heads, a divisor of the query heads; as many unless given.") var kvHeads: Int?
  @Option(help: "The number of rows.") var rows = 8192
  @Option(help: "The components of queries and keys.") var headDim = 64
  @Option(help: "The components of values; as many as those of keys unless given.") var valueDim: Int?
  @Flag(help: "Let earlier rows decay, each head at its own rate.") var decay = false
  @Flag(help: "Leave out the denominator.") var unnormalized = false
  @OptionGroup var dtype: ElementOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var target: TargetOption
  @OptionGroup var bench: BenchOptions

  private var width: Int { valueDim ?? headDim }
  private var keyHeads: Int { kvHeads ?? heads }

  func validate() throws {
    let sizes = [("batch", batch), ("heads", heads), ("rows", rows), ("head-dim", headDim), ("value-dim", width)]
    for (name, size) in sizes where !(1...1 << 24).contains(size) {
      throw ValidationError("got --\(name) \(size), expected a number from 1 to \(1 << 24)")
    }
    let bytes = Double(batch * heads) * Double(rows) * Double(headDim + width) * 24
    guard bytes < Double(ProcessInfo.processInfo.physicalMemory) else {
      throw ValidationError("got sizes of \(fixed(bytes / 1e9, 0)) GB, expected what fits in memory")
    }
    guard keyHeads > 0, heads.isMultiple(of: keyHeads) else {
      throw ValidationError("got --kv-heads \(keyHeads) for \(heads) heads, expected a divisor of these")
    }
  }

  func run() throws {
    try bench.checkFiles()
    let element = try dtype.value()
    let program = try graph(element, heads: heads, keyHeads: keyHeads).compile(target.compileOptions(threads: threads))
    let inputs = try arrays(element, rows: rows)
    let error = try maximumError(of: program(inputs)[0], inputs, element)
    let vectors = batch * heads * rows
    // The state's new products and its product with the query.
    let flops = Double(vectors) * 4 * Double(headDim * width)
    let bytes = Double((vectors + batch * keyHeads * rows) * (headDim + width) * element.byteCount)
    var report = try BenchReport(
      program, probe: RateProbe(element, target: target.value()), reading: [inputs["k"]!, inputs["v"]!], flops: flops, bytes: bytes,
      maximumError: error
    ) { try Stopwatch.calls(of: program, inputs, for: bench.seconds) }
    let twice = try Stopwatch.calls(of: program, arrays(element, rows: 2 * rows), for: bench.seconds).best
    report.fields = ["twice_seconds": JSON(twice)]
    report.notes = [("twice", "as many rows: \(shownTime(twice)), \(fixed(twice / report.times.best, 2)) times as long")]
    let title = "Linear attention \(element): batch \(batch), \(heads)/\(keyHeads) heads, \(rows) rows, width \(headDim)/\(width)"
    try bench.finish(report, title, program, inputs)
  }

  private func graph(_ element: ElementType, heads: Int, keyHeads: Int) -> Graph {
    Graph("linear_attention") { g in
      func feature(_ x: Tensor) -> Tensor { exp(minimum(x, 0)) + maximum(x, 0) }
      let q = g.input("q", element, ["B", Extent(heads), "S", Extent(headDim)])
      let k = g.input("k", element, ["B", Extent(keyHeads), "S", Extent(headDim)])
      let v = g.input("v", element, ["B", Extent(keyHeads), "S", Extent(width)])
      let rates = decay ? g.input("rates", element.computed, [Extent(heads), 1]) : nil
      return linearAttention(feature(q), feature(k), v, causal: true, normalized: !unnormalized, logDecay: rates)
    }
  }

  private func arrays(_ element: ElementType, rows: Int) throws -> [String: NDArray] {
    var arrays = [
      "q": try NDArray(normal: element, [batch, heads, rows, headDim], seed: 1),
      "k": try NDArray(normal: element, [batch, keyHeads, rows, headDim], seed: 2),
      "v": try NDArray(normal: element, [batch, keyHeads, rows, width], seed: 3),
    ]
    if decay {
      // RetNet's: the logarithm of 1 - 2^(-5 - h).
      let rates = (0..<heads).map { log(1 - pow(2, -5 - Double($0 % 8))) }
      arrays["rates"] = try NDArray(ReferenceArray(element.computed, [heads, 1], reals: rates))
    }
    return arrays
  }

  /// The largest difference from the interpreter in the first rows of the last head, which do not depend on the others.
  private func maximumError(of out: NDArray, _ inputs: [String: NDArray], _ element: ElementType) throws -> Double {
    let count = min(rows, 200)
    func first(_ array: NDArray, _ head: Int, _ size: Int) throws -> ReferenceArray {
      let part = ReferenceArray(try array.rows((0..<count).map { head * rows + $0 }, of: size))
      return ReferenceArray(element, [1, 1, count, size], reals: part.reals)
    }
    var parts: [Name: ReferenceArray] = [
      "q": try first(inputs["q"]!, heads - 1, headDim), "k": try first(inputs["k"]!, keyHeads - 1, headDim),
      "v": try first(inputs["v"]!, keyHeads - 1, width),
    ]
    if let rates = inputs["rates"] {
      let reference = ReferenceArray(rates)
      parts["rates"] = ReferenceArray(reference.element, [1, 1], reals: [reference.reals[heads - 1]])
    }
    let expected = try GraphInterpreter.evaluate(graph(element, heads: 1, keyHeads: 1), inputs: parts)[0].array
    return largestDifference(try first(out, heads - 1, width).reals, expected.reals)
  }
}

import Heed
import HeedInterpreter

/// The layer by the reference interpreter, for a few rows of queries: in double precision, some keys at a time, so that it takes little
/// memory compared with what is measured.
struct AttentionReference {
  private let problem: AttentionProblem
  private let scoring: Graph
  private let weighting: Graph
  private let summing: Graph

  init(_ problem: AttentionProblem) {
    self.problem = problem
    let element = problem.element
    scoring = Graph("scores") { g in
      let q = g.input("q", element, ["R", Extent(problem.headSize)])
      let k = g.input("k", element, ["C", Extent(problem.headSize)])
      let i = g.input("rows", .i32, ["R"]).broadcast(to: ["R", "C"], dimensions: [0])
      let j = g.input("columns", .i32, ["C"]).broadcast(to: ["R", "C"], dimensions: [1])
      let shift = g.constant(problem.keys - problem.queries, .i32)
      return problem.masked(problem.scores(q, k, "id,jd->ij"), i, j, shift: shift)
    }
    weighting = Graph("weights") { g in softmax(g.input("scores", element, ["R", "N"])) }
    summing = Graph("sums") { g in
      matmul(g.input("weights", element, ["R", "C"]), g.input("v", element, ["C", Extent(problem.valueSize)]))
    }
  }

  /// The largest difference of `out` from the reference, on rows spread over batch, heads and positions.
  func maximumError(of out: NDArray, _ inputs: [String: NDArray]) throws -> Double {
    let (queries, heads) = (problem.queries, problem.heads)
    let positions = Set([0, queries / 3, queries / 2, queries - 1]).sorted()
    let places = Set([[0, 0], [problem.batch / 2, heads - 1], [problem.batch - 1, heads / 2]])
    var worst = 0.0
    for place in places {
      let head = place[0] * heads + place[1]
      let keyHead = place[0] * problem.keyHeads + place[1] / (heads / problem.keyHeads)
      let expected = try rows(positions, head: head, keyHead: keyHead, inputs)
      for (row, position) in positions.enumerated() {
        let got = try out.row(head * queries + position, count: 1, of: problem.valueSize).reals
        worst = max(worst, largestDifference(got, expected[row]))
      }
    }
    return worst
  }

  private func rows(_ positions: [Int], head: Int, keyHead: Int, _ inputs: [String: NDArray]) throws -> [[Double]] {
    let (count, keys, step) = (positions.count, problem.keys, 4096)
    let ranges = positions.map { problem.mask.liveRange($0, queries: problem.queries, keys: keys) }
    // Blocks of keys that no row sees are left out.
    let blocks = stride(from: 0, to: keys, by: step).map { $0..<min($0 + step, keys) }.filter { block in
      ranges.contains { $0.overlaps(block) }
    }
    func array(_ columns: [[Double]]) -> ReferenceArray {
      ReferenceArray(problem.element, [columns.count, columns[0].count], reals: columns.flatMap { $0 })
    }
    let q = array(
      try positions.map { try inputs["q"]!.row(head * problem.queries + $0, count: 1, of: problem.headSize).reals })
    let rows = ReferenceArray(.i32, [count], integers: positions.map(Int64.init))
    var scores = [[Double]](repeating: [], count: count)
    for block in blocks {
      let (start, size) = (block.lowerBound, block.count)
      let part = try GraphInterpreter.evaluate(
        scoring,
        inputs: [
          "q": q, "rows": rows, "k": inputs["k"]!.row(keyHead * keys + start, count: size, of: problem.headSize),
          "columns": ReferenceArray(.i32, [size], integers: (start..<start + size).map(Int64.init)),
        ])[0].array.reals
      for row in 0..<count { scores[row] += part[row * size..<(row + 1) * size] }
    }
    let weights = try GraphInterpreter.evaluate(weighting, inputs: ["scores": array(scores)])[0].array.reals
    var sums = [[Double]](repeating: Array(repeating: 0, count: problem.valueSize), count: count)
    let seen = scores[0].count
    var first = 0
    for block in blocks {
      let (start, size) = (block.lowerBound, block.count)
      defer { first += size }
      let part = try GraphInterpreter.evaluate(
        summing,
        inputs: [
          "weights": array((0..<count).map { Array(weights[$0 * seen + first..<$0 * seen + first + size]) }),
          "v": inputs["v"]!.row(keyHead * keys + start, count: size, of: problem.valueSize),
        ])[0].array.reals
      for row in 0..<count {
        for e in 0..<problem.valueSize { sums[row][e] += part[row * problem.valueSize + e] }
      }
    }
    return sums
  }
}

extension NDArray {
  /// `count` rows of `size` elements from one on, as the interpreter has them: `[count, size]`.
  fileprivate func row(_ first: Int, count: Int, of size: Int) throws -> ReferenceArray {
    let rowBytes = size * element.byteCount
    let part = UnsafeMutableRawBufferPointer(rebasing: mutableBytes[first * rowBytes..<(first + count) * rowBytes])
    // The part keeps the whole in memory.
    let rows = ArrayStorage(bytes: part) { [storage] _ in withExtendedLifetime(storage) {} }
    return ReferenceArray(try NDArray(element: element, shape: [count, size], storage: rows))
  }
}

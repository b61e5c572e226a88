internal import HeedIR

/// How derivatives compare with central differences, and with each other.
package struct GradientReport: Sendable {
  /// What is compared.
  package enum Method: String, Sendable {
    /// Elements of a gradient with central differences.
    case reverse
    /// A gradient along a random direction with the central difference along it.
    case direction
    /// Elements of a derivative along a random direction with central differences.
    case forward
    /// The gradient times a tangent with the cotangent times the derivative along that tangent.
    case innerProduct = "inner product"
  }

  /// The comparisons of one kind.
  package struct Row: Sendable {
    /// The result that is differentiated; `all results` or `all gradients` for all together.
    package let result: String
    /// What it is differentiated with respect to in the worst comparison: `%q, %k`.
    package fileprivate(set) var input: String
    /// What is compared.
    package let method: Method
    /// What computed the derivative beside the interpreter; nil for the interpreter on the graph as written.
    package let execution: GradientCheck.Execution?
    /// The worst comparison; nil where none could be made.
    package fileprivate(set) var worst: Comparison?
    /// The number of comparisons.
    package fileprivate(set) var checked = 0
    /// The number of elements that were not compared because central differences of two step sizes disagree.
    package fileprivate(set) var unreliable = 0
    /// Whether all that was compared is 0.
    package fileprivate(set) var isZero = true
  }

  /// A derivative beside what it should be.
  package struct Comparison: Sendable {
    /// The difference over the larger of the two, or over a thousandth of the largest element. What rounding explains is within the bound.
    package let error: Double
    /// The element's indices; nil for a sum of elements.
    package let indices: [Int]?
    /// The derivative.
    package let derivative: Double
    /// What it should be.
    package let expected: Double
  }

  /// One row per result and method, of gradients one per input too, in order.
  package private(set) var rows: [Row] = []
  /// The largest relative error of a derivative.
  package let bound: Double
  /// The largest relative error of an inner product.
  package let productBound: Double
  /// The graph's name.
  let graph: Name

  init(graph: Name, bound: Double, productBound: Double) {
    (self.graph, self.bound, self.productBound) = (graph, bound, productBound)
  }

  /// The share of elements that may lie near kinks.
  private static let mostUnreliable = 0.1

  /// - Throws: where an error exceeds its bound, nothing was checked, or central differences are of no use for too many elements.
  package func verify() throws {
    func share(_ row: Row) -> Double { (row.worst?.error ?? 0) / bound(of: row) }
    let wrong = rows.filter { share($0) > 1 }
    // An element says more than a sum of elements.
    let elements = wrong.filter { $0.worst?.indices != nil }
    if let row = (elements.isEmpty ? wrong : elements).max(by: { share($0) < share($1) }) {
      throw HeedError("@\(graph): \(failure(of: row))")
    }
    guard rows.contains(where: { $0.checked > 0 && !$0.isZero }) else {
      let zeros = rows.contains { $0.checked > 0 }
      throw HeedError("@\(graph): got \(zeros ? "derivatives that are all 0" : "nothing to check"), expected one that is not 0")
    }
    let (checked, unreliable) = (rows.reduce(0) { $0 + $1.checked }, rows.reduce(0) { $0 + $1.unreliable })
    guard Double(unreliable) <= Self.mostUnreliable * Double(checked + unreliable) else {
      throw HeedError(
        "@\(graph): got \(unreliable) of \(checked + unreliable) elements near kinks or jumps, where central differences mean nothing, "
          + "expected at most a tenth; try another --seed or other inputs")
    }
  }

  private func bound(of row: Row) -> Double { row.method == .innerProduct && row.execution == nil ? productBound : bound }

  private func failure(of row: Row) -> String {
    let (worst, place) = (row.worst!, row.worst!.indices.map { $0.isEmpty ? "" : " at \($0)" } ?? "")
    let result = row.result.hasPrefix("all ") ? row.result : "%\(row.result)"
    let execution = row.execution.map { " (\($0.rawValue))" } ?? ""
    let (subject, source) =
      switch row.method {
      case .reverse: ("the gradient of \(result) with respect to \(row.input)", "by central differences")
      case .direction: ("the gradient of \(result) with respect to \(row.input), along a direction", "by central differences")
      case .forward: ("the derivative of \(result) along a tangent of \(row.input)", "by central differences")
      case .innerProduct: ("the gradient of \(result) with respect to \(row.input), times a tangent", "by forward mode")
      }
    return "\(subject)\(execution): got \(worst.derivative)\(place), expected \(worst.expected) \(source), "
      + "within \(bound(of: row)) of it"
  }
}

// MARK: Adding

extension GradientReport {
  /// What is compared.
  struct Subject {
    let result: String
    let input: String
    let method: Method
    let execution: GradientCheck.Execution?
  }

  /// The row of a subject, which may be new.
  private mutating func row(of subject: Subject) -> Int {
    let known = rows.firstIndex { row in
      row.result == subject.result && row.method == subject.method && row.execution == subject.execution
        && (row.method != .reverse || row.input == subject.input)
    }
    if let known { return known }
    rows.append(
      Row(result: subject.result, input: subject.input, method: subject.method, execution: subject.execution))
    return rows.count - 1
  }

  /// Compares elements of a tensor of this shape with their central differences.
  /// - Parameter elements: the row-major positions of the elements.
  mutating func compare(
    _ subject: Subject, shape: [Int], elements: some Sequence<Int>, derivatives: [Double], with differences: [CentralDifference]
  ) {
    let pairs = zip(elements, zip(derivatives, differences))
    let scale = pairs.reduce(0) { largest, pair in
      let sizes = [abs(pair.1.0), pair.1.1.isReliable ? abs(pair.1.1.value) : 0]
      return sizes.reduce(largest) { $1.isFinite ? max($0, $1) : $0 }
    }
    for (element, (derivative, difference)) in pairs {
      guard difference.isReliable else {
        rows[row(of: subject)].unreliable += 1
        continue
      }
      compare(
        subject, indices: indices(of: element, in: shape), derivative: derivative, expected: difference.value,
        noise: difference.noise, scale: scale / 1000)
    }
  }

  /// Compares a derivative with what it should be.
  /// - Parameters:
  ///   - noise: the part of the difference that rounding explains.
  ///   - scale: the least number that the difference is taken relative to.
  mutating func compare(
    _ subject: Subject, indices: [Int]?, derivative: Double, expected: Double, noise: Double, scale: Double
  ) {
    let row = row(of: subject)
    let difference = abs(derivative - expected)
    let size = max(abs(derivative), abs(expected), scale, noise / bound(of: rows[row]))
    let error = !derivative.isFinite ? .infinity : difference == 0 ? 0 : difference / size
    rows[row].checked += 1
    if max(abs(derivative), abs(expected)) > noise { rows[row].isZero = false }
    if let worst = rows[row].worst, worst.error >= error { return }
    rows[row].input = subject.input
    rows[row].worst = Comparison(error: error, indices: indices, derivative: derivative, expected: expected)
  }

  private func indices(of element: Int, in shape: [Int]) -> [Int] {
    var (indices, rest) = ([Int](repeating: 0, count: shape.count), element)
    for dim in shape.indices.reversed() { (rest, indices[dim]) = rest.quotientAndRemainder(dividingBy: shape[dim]) }
    return indices
  }
}

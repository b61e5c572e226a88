internal import HeedIR

/// The comparisons of a check, from the gradients on to the inner products.
extension GradientCheck {
  /// Results that are differentiated together.
  private struct Outputs {
    let label: String
    let positions: [Int]
  }

  /// A gradient: by input, in the order of the inputs that it is with respect to.
  private struct Gradient {
    let outputs: Outputs
    let inputs: [Int]
    let execution: Execution?
    let parts: [[Double]]

    /// The gradient with respect to one of its inputs.
    func part(of input: Int) -> [Double] { parts[inputs.firstIndex(of: input)!] }
  }

  /// Makes all comparisons.
  func run(_ report: inout GradientReport) throws {
    let gradients = try allInputs.flatMap { inputs in
      try allOutputs.flatMap { outputs in
        try executions(for: inputs).map { execution in
          Gradient(
            outputs: outputs, inputs: inputs, execution: execution, parts: try gradient(of: outputs, with: inputs, execution))
        }
      }
    }
    for input in inputs.indices { try compareElements(of: input, gradients, &report) }
    for inputs in allInputs {
      for direction in 0..<options.directions {
        try compareAlong(direction, inputs, gradients.filter { $0.inputs == inputs }, &report)
      }
    }
  }

  /// Each result alone, and all together where there are several.
  private var allOutputs: [Outputs] {
    let alone = results.indices.map { Outputs(label: results[$0], positions: [$0]) }
    return alone.count == 1 ? alone : alone + [Outputs(label: title, positions: Array(results.indices))]
  }

  /// Every combination of up to four inputs; of more, each alone and all together. All together come last.
  private var allInputs: [[Int]] {
    guard inputs.count <= 4 else { return inputs.indices.map { [$0] } + [Array(inputs.indices)] }
    return (1..<1 << inputs.count).map { set in inputs.indices.filter { set >> $0 & 1 == 1 } }
  }

  private func executions(for inputs: [Int]) -> [Execution?] {
    [nil] + (inputs.count == self.inputs.count ? options.executions : [])
  }

  private func label(_ inputs: [Int]) -> String { inputs.map { "%\(self.inputs[$0])" }.joined(separator: ", ") }

  private func argument(_ input: Int) -> ReferenceArray { arguments[Name(inputs[input])]! }

  /// The arguments with arrays for what differentiation added.
  private func arguments(of differentiated: Graph, _ added: [(shape: [Int], reals: [Double])]) -> [Name: ReferenceArray] {
    var all = arguments
    for (argument, array) in zip(differentiated.arguments.dropFirst(graph.arguments.count), added) {
      all[differentiated.name(argument.value)] = ReferenceArray(.f64, array.shape, reals: array.reals)
    }
    return all
  }

  // MARK: Reverse

  private func gradient(of outputs: Outputs, with inputs: [Int], _ execution: Execution?) throws -> [[Double]] {
    let differentiated = try graph.differentiated(
      of: outputs.positions.map { results[$0] }, with: inputs.map { self.inputs[$0] }, hasAllCotangents: true)
    let seeds = outputs.positions.map { (center[$0].shape, cotangents[$0]) }
    return try derivatives(differentiated, arguments(of: differentiated, seeds), execution)
  }

  /// The sum of the elements of some results, each times its cotangent.
  private func total(_ outputs: Outputs, _ values: [ReferenceArray], size: Bool = false) -> Double {
    outputs.positions.reduce(0) { sum, position in
      zip(cotangents[position], values[position].reals).reduce(sum) { sum, pair in
        let (cotangent, value) = pair
        return cotangent == 0 ? sum : sum + (size ? abs(cotangent * value) : cotangent * value)
      }
    }
  }

  /// Compares elements of all gradients with respect to an input with central differences.
  private func compareElements(of input: Int, _ gradients: [Gradient], _ report: inout GradientReport) throws {
    let (outputs, array) = (allOutputs, argument(input))
    let count = min(array.count, options.mostElements)
    // Of a large tensor elements at even distances.
    let elements = (0..<count).map { $0 * array.count / max(1, count) }
    let scales = outputs.map { outputs in
      gradients.filter { $0.outputs.label == outputs.label && $0.inputs.contains(input) }.map { $0.part(of: input) }.joined()
        .reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 } / 1000
    }
    let (middle, magnitudes) = (outputs.map { total($0, center) }, outputs.map { total($0, center, size: true) })
    var changed = arguments
    let differences = try elements.map { element in
      defer { changed[Name(inputs[input])] = array }
      return try CentralDifference.all(
        unit: max(1, abs(array.reals[element])), center: middle, magnitudes: magnitudes, scales: scales, bound: options.bound
      ) { number in
        changed[Name(inputs[input])]!.reals[element] = array.reals[element] + number
        let values = try Self.values(of: results, in: primal, changed)
        return outputs.map { total($0, values) }
      }
    }
    for gradient in gradients where gradient.inputs.contains(input) {
      let output = outputs.firstIndex { $0.label == gradient.outputs.label }!
      let part = gradient.part(of: input)
      report.compare(
        GradientReport.Subject(
          result: gradient.outputs.label, input: label([input]), method: .reverse, execution: gradient.execution),
        shape: array.shape, elements: elements, derivatives: elements.map { part[$0] },
        with: differences.map { $0[output] })
    }
  }

  // MARK: Along directions

  /// Compares derivatives along a random direction with central differences and with gradients.
  private func compareAlong(
    _ direction: Int, _ inputs: [Int], _ gradients: [Gradient], _ report: inout GradientReport
  ) throws {
    let tangents = inputs.map { input in
      Self.noise(argument(input).count, seed: options.seed &+ UInt64(2000 + 100 * direction) &+ UInt64(input))
    }
    let names = inputs.map { self.inputs[$0] }
    let forward = try graph.differentiated(of: results, with: names, mode: .forward)
    let seeds = zip(inputs, tangents).map { (argument($0).shape, $1) }
    let derivatives = try executions(for: inputs).map { execution in
      (execution, try self.derivatives(forward, arguments(of: forward, seeds), execution))
    }
    let differences = try differences(along: tangents, of: inputs, scales: derivatives[0].1)
    for (execution, parts) in derivatives {
      for (position, (part, differences)) in zip(parts, differences).enumerated() {
        // What is not finite has no derivative.
        let elements = part.indices.filter { center[position].reals[$0].isFinite }
        report.compare(
          GradientReport.Subject(result: results[position], input: label(inputs), method: .forward, execution: execution),
          shape: center[position].shape, elements: elements,
          derivatives: elements.map { part[$0] }, with: elements.map { differences[$0] })
      }
      for gradient in gradients where gradient.execution == execution {
        compare(gradient, tangents, derivatives: parts, differences, &report)
      }
    }
  }

  /// By result, the central differences of its elements along a direction.
  private func differences(
    along tangents: [[Double]], of inputs: [Int], scales: [[Double]]
  ) throws -> [[CentralDifference]] {
    func flat(_ values: [ReferenceArray]) -> [Double] { values.flatMap(\.reals) }
    func largest(_ values: [Double]) -> Double { values.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 } }
    let magnitudes = center.flatMap { Array(repeating: largest($0.reals), count: $0.count) }
    let scales = zip(scales, center).flatMap { Array(repeating: largest($0) / 1000, count: $1.count) }
    let all = try CentralDifference.all(
      center: flat(center), magnitudes: magnitudes, scales: scales, bound: options.bound
    ) { number in
      var changed = arguments
      for (input, tangent) in zip(inputs, tangents) {
        let array = argument(input)
        changed[Name(self.inputs[input])]!.reals = zip(array.reals, tangent).map { $0 + number * $1 }
      }
      return flat(try Self.values(of: results, in: primal, changed))
    }
    var start = 0
    return center.map { array in
      defer { start += array.count }
      return Array(all[start..<start + array.count])
    }
  }

  /// Compares a gradient along a direction with the derivatives, and with central differences.
  private func compare(
    _ gradient: Gradient, _ tangents: [[Double]], derivatives: [[Double]], _ differences: [[CentralDifference]],
    _ report: inout GradientReport
  ) {
    func subject(_ method: GradientReport.Method) -> GradientReport.Subject {
      GradientReport.Subject(
        result: gradient.outputs.label, input: label(gradient.inputs), method: method, execution: gradient.execution)
    }
    let backward = Product(zip(gradient.parts, tangents).map { ($0, $1) })
    let forward = Product(gradient.outputs.positions.map { (derivatives[$0], cotangents[$0]) })
    // Cotangents that cancel, such as those of a term that all scores of a row share, leave what rounding left of the results.
    let rounded = CentralDifference.roundoff * total(gradient.outputs, center, size: true)
    report.compare(
      subject(.innerProduct), indices: nil, derivative: backward.sum, expected: forward.sum, noise: rounded,
      scale: max(backward.size, forward.size))
    let live = gradient.outputs.positions.map { position in
      zip(differences[position], cotangents[position]).filter { $1 != 0 }
    }
    guard live.joined().allSatisfy({ $0.0.isReliable }) else { return }
    let measured = Product(live.map { ($0.map(\.0.value), $0.map(\.1)) })
    let noise = Product(live.map { ($0.map(\.0.noise), $0.map(\.1)) }).size
    report.compare(
      subject(.direction), indices: nil, derivative: backward.sum, expected: measured.sum, noise: noise,
      scale: max(backward.size, measured.size) / 1000)
  }

  /// The sum of products of numbers, and what it is a sum of in size. What has the factor 0 does not count.
  private struct Product {
    var (sum, size) = (0.0, 0.0)

    init(_ factors: [([Double], [Double])]) {
      for (left, right) in factors {
        for (x, y) in zip(left, right) where y != 0 { (sum, size) = (sum + x * y, size + abs(x * y)) }
      }
    }
  }
}

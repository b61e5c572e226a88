import HeedIR

/// What a scan computes.
public struct ScanResult {
  /// The states after the last step, in order.
  public let states: [Tensor]
  /// For each tensor that the steps return, their rows: the first dimension counts steps.
  public let outputs: [Tensor]

  let builder: GraphBuilder

  init(_ builder: GraphBuilder, states: [Tensor], outputs: [Tensor]) {
    (self.builder, self.states, self.outputs) = (builder, states, outputs)
  }

  /// The first of the states after the last step; a mistake where there is none.
  public var state: Tensor { first(states, "state") }
  /// The first of what the steps return; a mistake where they return nothing.
  public var output: Tensor { first(outputs, "output") }

  private func first(_ tensors: [Tensor], _ role: String) -> Tensor {
    tensors.first ?? builder.fail("scan: got no \(role) of the steps, expected one", nil, guess: TensorType(.f32, .scalar))
  }
}

/// How much of a scan is kept for its gradient.
public enum ScanCheckpoints: Sendable {
  /// The states before each step; the steps themselves are computed again.
  case everyStep
  /// The states before every k-th step, where k is the square root of the number of steps, rounded up: a scan of scans. Steps are computed
  /// once more, and memory grows with the square root of their number.
  case squareRoot
}

extension GraphBuilder {
  /// Runs steps one after the other, each with the state that the one before left: a recurrence.
  ///
  /// ```swift
  /// let rnn = g.scan(over: x, initial: h0) { h, x in tanh(matmul(h, w) + x) }      // x [T, B, D], h0 [B, D]
  /// return rnn.output                                                             // [T, B, D]
  /// ```
  ///
  /// The closure is called once. It may read any tensor of the graph, and make parameters. The number of steps may be a symbol: one program
  /// serves all.
  /// - Parameters:
  ///   - sequence: its rows along the first dimension are the steps' inputs.
  ///   - initial: the state before the first step.
  ///   - isReversed: whether the last row comes first. Outputs are in the order of the rows.
  ///   - checkpoints: what is kept for gradients.
  ///   - step: the new state, of the old one's type, which is the step's output too.
  public func scan(
    over sequence: Tensor, initial: Tensor, isReversed: Bool = false, checkpoints: ScanCheckpoints = .everyStep,
    file: String = #filePath, line: Int = #line, step: (_ state: Tensor, _ input: Tensor) throws -> Tensor
  ) rethrows -> ScanResult {
    try scan(
      over: [sequence], initial: [initial], isReversed: isReversed, checkpoints: checkpoints, file: file, line: line
    ) { states, inputs in
      let state = try step(states[0], inputs[0])
      return ([state], [state])
    }
  }

  /// The same with several states and sequences, and outputs of their own.
  /// - Parameters:
  ///   - sequences: at least one; all have the same first extent.
  ///   - initial: the states before the first step.
  ///   - step: the new states, of the old ones' types, and what the step returns.
  public func scan(
    over sequences: [Tensor], initial: [Tensor], isReversed: Bool = false, checkpoints: ScanCheckpoints = .everyStep,
    file: String = #filePath, line: Int = #line,
    step: (_ states: [Tensor], _ inputs: [Tensor]) throws -> (states: [Tensor], outputs: [Tensor])
  ) rethrows -> ScanResult {
    let site = CallSite(file, line)
    guard let count = stepCount(sequences, initial, site) else {
      let stepped = try asWritten { try step(initial, sequences.map { poison($0.type) }) }
      return ScanResult(self, states: stepped.states, outputs: stepped.outputs.map { poison($0.type) })
    }
    let recorded = try record(
      initial, rowTypes: sequences.map { TensorType($0.element, Shape($0.shape.extents.dropFirst())) }, site
    ) {
      states, inputs in try asWritten { try step(states, inputs) }
    }
    guard let recorded else {
      return ScanResult(self, states: initial.map { poison($0.type) }, outputs: sequences.map { poison($0.type) })
    }
    let loop = ScanLoop(builder: self, body: recorded.body, captured: recorded.captured, count: count, isReversed: isReversed, site)
    switch checkpoints {
    case .everyStep: return loop.emit(sequences, initial)
    case .squareRoot: return loop.emitInSegments(sequences, initial)
    }
  }

  /// The number of steps; nil after recording a mistake.
  private func stepCount(_ sequences: [Tensor], _ initial: [Tensor], _ site: CallSite) -> Extent? {
    guard areOwn(sequences + initial, "scan", site), graph.failure == nil else { return nil }
    guard expect(!sequences.isEmpty, "scan: got no sequence, expected at least one", site) else { return nil }
    for sequence in sequences {
      guard
        expect(sequence.rank > 0, "scan: got the sequence \(sequence.summary), expected one with a dimension of steps", site),
        expect(
          areEqual(sequence.shape[0], sequences[0].shape[0]),
          "scan: got \(sequence.shape[0]) rows of \(sequence.summary), expected \(sequences[0].shape[0]) as of the first sequence",
          site)
      else { return nil }
    }
    return sequences[0].shape[0]
  }
}

/// A loop whose body is known.
private struct ScanLoop {
  let builder: GraphBuilder
  let body: Graph
  let captured: [Tensor]
  let count: Extent
  let isReversed: Bool
  let site: CallSite

  init(builder: GraphBuilder, body: Graph, captured: [Tensor], count: Extent, isReversed: Bool, _ site: CallSite) {
    (self.builder, self.body, self.captured, self.count, self.isReversed) = (builder, body, captured, count, isReversed)
    self.site = site
  }

  private var direction: [Attribute] { isReversed ? [Attribute(.reverse, true)] : [] }

  func emit(_ sequences: [Tensor], _ initial: [Tensor]) -> ScanResult {
    let results = builder.emitLoop(body, steps: count, initial + sequences + captured, direction, site)
    return ScanResult(builder, states: results.states, outputs: results.rows)
  }

  /// Segments of as many steps as there are segments: what a segment's steps leave is computed again from the states before it.
  func emitInSegments(_ sequences: [Tensor], _ initial: [Tensor]) -> ScanResult {
    let size = builder.squareRoot(of: count)
    let segments = sequences.map { sequence in
      let rest = sequence.shape.extents.dropFirst()
      let none = rest.map { _ in Extent(0) }
      let padded = sequence.padded(low: [0] + none, high: [size * size - count] + none, file: site.file, line: site.line)
      return padded.reshaped(Shape([size, size] + rest), site)
    }
    let index = builder.freeSymbol("segment", besides: body.allSymbols)
    var outer = Graph(name: "body")
    for fact in body.facts { outer.addFact(fact) }
    let parts = LoopParts(body)
    let operands = body.arguments.indices.map { position in
      outer.addArgument(parts.name(position), parts.operandType(position, steps: size), role: body.arguments[position].role)
    }
    let limit = [Attribute(.steps, [size]), Attribute(.stepCount, [count - size * Extent(symbol: index)])]
    do {
      let node = try outer.append(.loop, operands, attributes: direction + limit, body: body)
      let results = parts.results(outer.results(node))
      outer.setResults(
        results.rows + results.states, names: Array(body.resultNames.prefix(parts.returned.count)) + parts.states.map(parts.name))
    } catch { builder.fail((error as? HeedError)?.message ?? "\(error)", site) }
    let results = builder.emitLoop(
      outer, steps: size, initial + segments + captured, direction + [Attribute(.index, [Extent(symbol: index)])], site)
    return ScanResult(
      builder, states: results.states,
      outputs: results.rows.map { rows in
        let rest = rows.shape.extents.dropFirst(2)
        return rows.reshaped(Shape([size * size] + rest), site)[TensorIndex.range(0, count), file: site.file, line: site.line]
      })
  }
}

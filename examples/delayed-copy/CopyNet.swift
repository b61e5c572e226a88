import Heed

/// Tokens: 8 symbols, 8 distractors, and the cue that asks for the symbol.
private let (symbols, distractors) = (8, 8)
private let cue = Int32(symbols + distractors)

/// Three nets of about 5,000 parameters that read a sequence and answer at its end.
enum CopyNet: String, CaseIterable {
  case attention, elman, gru

  var title: String { self == .attention ? "attention" : self == .elman ? "Elman net" : "GRU" }

  /// The width of the embedding.
  private var width: Int { self == .attention ? 32 : self == .elman ? 44 : 25 }

  /// The delays that it is trained on, each from the beginning.
  func delays(isShort: Bool) -> [Int] {
    switch self {
    case .attention: isShort ? [8, 128] : [8, 32, 128, 512]
    case .elman, .gru: isShort ? [2, 8, 64] : [2, 4, 8, 16, 32, 64, 128]
    }
  }

  /// The embedded tokens, `[B, S, width]`.
  private func rows(_ g: GraphBuilder, _ tokens: Tensor) -> Tensor {
    Embedding("tokens", in: g, count: symbols + distractors + 1, size: width)(tokens)
  }

  /// What the net makes of the rows, at the last of them: `[B, features]`.
  private func last(_ g: GraphBuilder, _ rows: Tensor) -> Tensor {
    switch self {
    case .attention:
      MultiHeadAttention("attention", in: g, size: width, headCount: 4)(rows[.all, (-1)...], context: rows)[.all, 0]
    case .elman: ElmanLayer("elman", in: g, inputs: width, size: 44)(rows.transposed(1, 0, 2)).state
    case .gru: GRU("gru", in: g, inputs: width, size: 27)(rows.transposed(1, 0, 2)).state
    }
  }

  /// The logits of the symbols, `[B, 8]`.
  func logits(_ g: GraphBuilder, _ tokens: Tensor) -> Tensor { answer(g, rows(g, tokens)) }

  private func answer(_ g: GraphBuilder, _ rows: Tensor) -> Tensor {
    let last = last(g, rows)
    return Linear("answer", in: g, inputs: last.extent(-1).constant ?? 0, outputs: symbols)(last).named("logits")
  }

  func learner(rate: Double) throws -> Learner {
    try Learner(
      AdamW(weightDecay: 0), learningRate: .constant(rate), clippingNorm: 1,
      loss: { g in crossEntropy(logits(g, g.input("tokens", .i32, ["B", "S"])), g.input("symbols", .i32, ["B"])) },
      outputs: { g in [logits(g, g.input("tokens", .i32, ["B", "S"])).argMax(1)] })
  }

  /// The norm of the gradient of a logit by each embedded token, the mean over the sequences, `[S]`; before training.
  func path(seed: Int) throws -> [Double] {
    let (graph, initializers) = try Graph.withInitializers("path") { g in
      let rows = rows(g, g.input("tokens", .i32, ["B", "S"]))
      let logits = answer(g, rows)
      let slopes = gradients(of: logits[.all, 0].sum(), with: [rows])[0]
      return sqrt((slopes * slopes).sum(-1)).mean(0)
    }
    let program = try graph.compile().load(parameters: initializers.arrays(for: graph, seed: UInt64(seed)))
    return try program(["tokens": copySequences(64, delay: 511, seed: seed).tokens]).doubles()
  }
}

/// Sequences of a symbol, `delay` distractors and the cue, with the symbols.
func copySequences(_ count: Int, delay: Int, seed: Int) throws -> (tokens: NDArray, symbols: [Int32]) {
  var numbers = SeededGenerator(seed: seed)
  var (tokens, asked): ([Int32], [Int32]) = ([], [])
  for _ in 0..<count {
    asked.append(Int32.random(in: 0..<Int32(symbols), using: &numbers))
    tokens.append(asked.last!)
    for _ in 0..<delay { tokens.append(Int32.random(in: Int32(symbols)..<cue, using: &numbers)) }
    tokens.append(cue)
  }
  return (try NDArray(tokens, [count, delay + 2]), asked)
}

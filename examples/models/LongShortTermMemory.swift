import Heed

/// Long short-term memory over ids, with checkpoints every square root of the steps: the gradient's memory grows with that root. It
/// returns the last state and the scores of the next id at every step. Hochreiter, Schmidhuber, 1997.
let longShortTermMemory = Graph("long_short_term_memory") { g in
  let ids = g.input("ids", .i32, ["T", "B"])
  let x = Embedding("table", in: g, count: 11, size: 6)(ids)
  let states = LSTM("memory", in: g, inputs: 6, size: 8)(x, checkpoints: .squareRoot)
  let scores = Linear("output", in: g, inputs: 8, outputs: 11)(states.output)
  return [states.state.named("state"), scores.named("scores")]
}

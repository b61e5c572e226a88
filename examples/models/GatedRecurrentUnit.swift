import Heed

/// Two gated recurrent units, the second one from the last step to the first: what it says of a step depends on what follows. The rows of
/// both are mapped together. Cho and others, 2014; Schuster, Paliwal, "Bidirectional recurrent neural networks", 1997.
let gatedRecurrentUnit = Graph("gated_recurrent_unit") { g in
  let x = g.input("x", .f32, ["T", "B", 6])
  let forward = GRU("forward", in: g, inputs: 6, size: 8)(x).output
  let maps = GRU("backward", in: g, inputs: 6, size: 8).maps
  let start = g.full(["B", 8], 0.0)
  let backward = g.scan(over: maps.input(x), initial: start, isReversed: true) { h, x in
    let (x, u) = (x.split(3), maps.hidden(h).split(3))
    let (reset, update) = (sigmoid(x[0] + u[0]), sigmoid(x[1] + u[1]))
    return (1 - update) * tanh(x[2] + reset * u[2]) + update * h
  }
  return Linear("output", in: g, inputs: 16, outputs: 4)(concatenate([forward, backward.output], dimension: 2))
}

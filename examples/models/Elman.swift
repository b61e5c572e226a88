import Heed

/// A simple recurrent network: `h = tanh(W x + U h + b)`, step by step, and a map of each state. Elman, "Finding structure in time", 1990.
let elman = Graph("elman") { g in
  let x = g.input("x", .f32, ["T", "B", 6])
  let states = ElmanLayer("recurrent", in: g, inputs: 6, size: 8)(x)
  return Linear("output", in: g, inputs: 8, outputs: 3)(states.output)
}

import Heed

/// A causal transformer over returns to go, states and actions, interleaved: r1 s1 a1 r2 s2 a2 ... It tells each next action from the state.
/// Chen et al., "Decision transformer", 2021.
let decisionTransformer = Graph("decision_transformer") { g in
  let returns = g.input("returns", .f32, ["T", 1])
  let states = g.input("states", .f32, ["T", 6])
  let actions = g.input("actions", .f32, ["T", 3])
  let times = g.input("times", .i32, ["T"])

  let time = Embedding("time", in: g, count: 64, size: 32)(times)
  func embedded(_ name: String, _ x: Tensor, _ size: Int) -> Tensor {
    Linear(name, in: g, inputs: size, outputs: 32)(x) + time
  }
  let tokens = [embedded("return", returns, 1), embedded("state", states, 6), embedded("action", actions, 3)]
  var x = LayerNorm("norm", in: g, size: 32)(stack(tokens, dimension: 1).reshape(["3*T", 32]))
  x += MultiHeadAttention("attention", in: g, size: 32, headCount: 4)(LayerNorm("norm1", in: g, size: 32)(x), mask: .causal())
  x += FeedForward("mlp", in: g, size: 32, hiddenSize: 64)(LayerNorm("norm2", in: g, size: 32)(x))
  return tanh(Linear("next", in: g, inputs: 32, outputs: 3)(x.reshape(["T", 3, 32])[.all, 1]))
}

import Heed

/// The gated delta rule: each step decays a matrix of memories, takes out what it holds under the key, and stores the value there:
/// `S = a S (I - b k k^T) + b v k^T`, read as `S q`. Yang, Kautz, Hatamizadeh, "Gated Delta Networks", 2024.
let gatedDeltaNet = Graph("gated_delta_net") { g in
  let u = g.input("u", .f32, ["T", 12])
  func heads(_ name: String) -> Tensor { Linear(name, in: g, inputs: 12, outputs: 8)(u).reshape(["T", 2, 4]) }
  func gate(_ name: String) -> Tensor { sigmoid(Linear(name, in: g, inputs: 12, outputs: 2)(u)).reshape(["T", 2, 1, 1]) }
  func normalized(_ x: Tensor) -> Tensor { x * rsqrt((x * x).sum(-1, keepingDimensions: true) + 1e-6) }
  let (q, k, v) = (normalized(heads("query")), normalized(heads("key")), heads("value"))
  let memories = g.scan(over: [q, k, v, gate("decay"), gate("strength")], initial: [g.full([2, 4, 4], 0.0)]) { states, row in
    let (q, k, v) = (row[0].expandingDimension(-1), row[1].expandingDimension(-2), row[2].expandingDimension(-1))
    let decayed = states[0] * row[3]
    let s = decayed + row[4] * (v - (decayed * k).sum(-1, keepingDimensions: true)) * k
    return ([s], [matmul(s, q).reshape([2, 4])])
  }
  return Linear("output", in: g, inputs: 8, outputs: 12)(memories.output.reshape(["T", 8]))
}

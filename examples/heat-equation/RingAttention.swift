import Heed

/// How attention is told where the points of the ring are.
enum RingPositions { case relative, absolute }

/// A cosine and a sine of each frequency of the ring are the features of a query and a key.
private let (points, width) = (Ring.points, 32)

/// The next state of a field `[B, N, 1]` on a ring, and what multiplies the field. Queries and keys are made of the field itself, and of
/// positions: either by a rotation, so that scores depend on distances alone, or as features.
func ringAttention(_ g: GraphBuilder, positions: RingPositions) -> (result: Tensor, matrix: Tensor) {
  let field = g.input("field", .f32, ["B", points, 1])
  let (places, frequencies) = (g.iota([points, 1], dimension: 0), g.iota([1, width / 2], dimension: 1) + 1)
  let turns = places * frequencies % points
  let angles = turns.cast(to: .f32) * (2 * .pi / Double(points))
  let (cosines, sines) = (cos(angles), sin(angles))
  func features(_ name: String) -> Tensor {
    switch positions {
    case .relative: return rotary(Linear(name, in: g, inputs: 1, outputs: width)(field), cosines: cosines, sines: sines)
    case .absolute:
      let places = concatenate([cosines, sines], dimension: 1)
      let place = Linear("\(name).place", in: g, inputs: width, outputs: width, hasBias: false)(places)
      return Linear(name, in: g, inputs: 1, outputs: width)(field) + place
    }
  }
  let weights = softmax(matmul(features("query"), features("key").transposed()) / Double(width).squareRoot())
  return (matmul(weights, field), weights)
}

/// A model that is shown fields and what becomes of them.
func ringLearner(_ positions: RingPositions, rate: Double, steps: Int) throws -> Learner {
  try Learner(AdamW(weightDecay: 0), learningRate: .cosine(from: rate, to: rate / 100, over: steps), clippingNorm: 1) { g in
    let target = g.input("target", .f32, ["B", points, 1])
    return meanSquaredError(ringAttention(g, positions: positions).result, target)
  } outputs: { g in
    let (result, matrix) = ringAttention(g, positions: positions)
    return [result.named("result"), matrix.named("matrix")]
  }
}

/// What a model makes of fields.
func applied(_ model: TrainedModel, _ fields: [[Double]]) throws -> [[Double]] {
  let result = try model(["field": Ring.array(fields)])["result"]!.doubles()
  return fields.indices.map { Array(result[points * $0..<points * ($0 + 1)]) }
}

/// All rows of the attention matrices for these fields, each begun at its own point: what a point gets by its distance.
func attentionRows(_ model: TrainedModel, _ fields: [[Double]]) throws -> [[Double]] {
  let matrix = try model(["field": Ring.array(fields)])["matrix"]!.doubles()
  return (0..<fields.count * points).map { row in
    (0..<points).map { matrix[points * row + (row - $0 + 2 * points * points) % points] }
  }
}

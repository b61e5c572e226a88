public import HeedArrays
public import HeedDSL
internal import HeedIR

extension LowRankAdaptation {
  /// Weights with the changes of trained adapters added: `map.weight + scale * up down`, computed in double precision and rounded once. A model
  /// with these weights and without adapters returns what the one with adapters does.
  /// - Parameters:
  ///   - weights: arrays by name, `map.weight [outputs, inputs]`; others are returned as they are.
  ///   - adapters: arrays by name, `map.adapter.down [rank, inputs]` and `map.adapter.up [outputs, rank]`; others are ignored.
  /// - Throws: where an adapter lacks its other half or its weight, or they do not fit each other.
  public func merged(_ weights: [String: NDArray], with adapters: [String: NDArray]) throws -> [String: NDArray] {
    let ending = Self.names(of: "-").down.dropFirst()
    var result = weights
    for (name, down) in adapters where name.hasSuffix(ending) {
      let map = String(name.dropLast(ending.count))
      let (upName, weightName) = (Self.names(of: map).up, map + ".weight")
      guard let up = adapters[upName], let weight = weights[weightName] else {
        throw HeedError("got the adapter '\(name)', expected '\(upName)' beside it and the weight '\(weightName)'")
      }
      guard down.shape.count == 2, up.shape.count == 2, down.shape[0] == up.shape[1],
        weight.shape == [up.shape[0], down.shape[1]]
      else {
        throw HeedError(
          "'\(map)': got adapters \(up.shape) and \(down.shape), expected a product of the weight's shape \(weight.shape)")
      }
      result[weightName] = try sum(weight, up, down)
    }
    return result
  }

  private func sum(_ weight: NDArray, _ up: NDArray, _ down: NDArray) throws -> NDArray {
    var sum = try weight.converted(to: .f64).doubles()
    let (left, right) = (try up.converted(to: .f64).doubles(), try down.converted(to: .f64).doubles())
    let (rank, inputs) = (down.shape[0], down.shape[1])
    for row in 0..<up.shape[0] {
      for k in 0..<rank {
        let factor = scale * left[row * rank + k]
        for column in 0..<inputs { sum[row * inputs + column] += factor * right[k * inputs + column] }
      }
    }
    return try NDArray(sum, weight.shape).converted(to: weight.element)
  }
}

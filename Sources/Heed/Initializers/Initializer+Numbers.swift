internal import HeedArrays
import HeedIR

extension Initializer {
  /// The numbers of a parameter in row-major order.
  /// - Throws: where its shape does not say what its inputs and outputs are.
  func numbers(seed: UInt64, name: String, shape: [Int]) throws -> [Double] {
    let count = shape.reduce(1, *)
    var random = RandomNumbers(seed: seed, stream: name.utf8.hash)
    func normal(_ mean: Double, _ deviation: Double) -> [Double] { (0..<count).map { _ in mean + deviation * random.normal() } }
    func uniform(_ low: Double, _ high: Double) -> [Double] { (0..<count).map { _ in low + random.unit() * (high - low) } }
    switch self {
    case .zeros: return [Double](repeating: 0, count: count)
    case .ones: return [Double](repeating: 1, count: count)
    case .constant(let value): return [Double](repeating: value, count: count)
    case .normal(let mean, let deviation): return normal(mean, deviation)
    case .truncatedNormal(let mean, let deviation):
      return (0..<count).map { _ in
        var number = random.normal()
        while abs(number) > 2 { number = random.normal() }
        return mean + deviation * number
      }
    case .uniform(let low, let high): return uniform(low, high)
    case .xavierUniform(let gain):
      let fans = try fans(name, shape)
      let bound = gain * (6 / (fans.inputs + fans.outputs)).squareRoot()
      return uniform(-bound, bound)
    case .xavierNormal(let gain):
      let fans = try fans(name, shape)
      return normal(0, gain * (2 / (fans.inputs + fans.outputs)).squareRoot())
    case .kaimingUniform(let gain, let fan):
      let fans = try fans(name, shape)
      let bound = gain * (3 / (fan == .inputs ? fans.inputs : fans.outputs)).squareRoot()
      return uniform(-bound, bound)
    case .kaimingNormal(let gain, let fan):
      let fans = try fans(name, shape)
      return normal(0, gain / (fan == .inputs ? fans.inputs : fans.outputs).squareRoot())
    case .orthogonal(let gain):
      _ = try fans(name, shape)
      return orthogonalMatrix(shape[0], count / max(shape[0], 1)) { random.normal() }.map { gain * $0 }
    }
  }

  /// The inputs and outputs of a weight `[outputs, inputs, ...]`, each times what follows.
  private func fans(_ name: String, _ shape: [Int]) throws -> (inputs: Double, outputs: Double) {
    guard shape.count >= 2, !shape.contains(0) else {
      throw HeedError("\(self.name) of %\(name): got the shape \(shape), expected [outputs, inputs, ...] without a 0")
    }
    let rest = shape.dropFirst(2).reduce(1.0) { $0 * Double($1) }
    return (Double(shape[1]) * rest, Double(shape[0]) * rest)
  }
}

extension String.UTF8View {
  /// A number for the text: FNV-1a of 64 bits.
  ///
  /// Source: Fowler, Noll, Vo; Eastlake, Hansen, RFC 9923.
  fileprivate var hash: UInt64 { reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } }
}

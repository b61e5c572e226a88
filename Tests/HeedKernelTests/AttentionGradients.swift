import Foundation

/// The derivatives of softmax attention of one head, by straightforward loops; rows without a live key give zeros.
struct AttentionGradients {
  /// The attention itself, and the logarithm of each row's sum of exponentials: -inf for a row without a live key.
  private(set) var output: [Double]
  private(set) var logSumExp: [Double]
  /// The derivatives with respect to queries, keys and values.
  private(set) var queries: [Double]
  private(set) var keys: [Double]
  private(set) var values: [Double]

  /// `length` queries and as many keys, all of `width` components.
  init(
    _ q: (Int, Int) -> Double, _ k: (Int, Int) -> Double, _ v: (Int, Int) -> Double, _ cotangent: (Int, Int) -> Double,
    length: Int, width: Int, live: (Int, Int) -> Bool
  ) {
    let zeros = [Double](repeating: 0, count: length * width)
    (output, queries, keys, values) = (zeros, zeros, zeros, zeros)
    logSumExp = [Double](repeating: -.infinity, count: length)
    let scale = 1 / Double(width).squareRoot()
    for i in 0..<length {
      let lives = (0..<length).filter { live(i, $0) }
      let scores = lives.map { j in scale * sum(width) { q(i, $0) * k(j, $0) } }
      guard let maximum = scores.max() else { continue }
      logSumExp[i] = maximum + log(sum(scores.count) { exp(scores[$0] - maximum) })
      let weights = scores.map { exp($0 - logSumExp[i]) }
      let cotangents = lives.map { j in sum(width) { cotangent(i, $0) * v(j, $0) } }
      let mean = sum(lives.count) { weights[$0] * cotangents[$0] }
      for (position, j) in lives.enumerated() {
        let derivative = scale * weights[position] * (cotangents[position] - mean)
        for d in 0..<width {
          output[i * width + d] += weights[position] * v(j, d)
          queries[i * width + d] += derivative * k(j, d)
          keys[j * width + d] += derivative * q(i, d)
          values[j * width + d] += weights[position] * cotangent(i, d)
        }
      }
    }
  }
}

import Foundation

let t5EncoderExample = Example(
  "T5 encoder attention", t5Encoder,
  at: .init(["B": 1, "S": 1], ["lengths": [1]]), .init(["B": 2, "S": 11], ["lengths": [11, 4]]),
  .init(["B": 2, "S": 150], ["lengths": [0, 150]])
) { n in
  let (lengths, biases) = (n.integers("lengths"), n.rows("relative.weight"))
  /// Of 32 buckets half are for later keys; of 16, half are a distance each, the others up to 128 in equal ratios.
  func bucket(_ relative: Int) -> Int {
    let (side, distance) = (relative > 0 ? 16 : 0, abs(relative))
    guard distance >= 8 else { return side + distance }
    return side + min(15, 8 + Int(log(Double(distance) / 8) / log(16.0) * 8))
  }
  let results = n.matrices("x").enumerated().map { b, x in
    let rows = n.rmsNorm("norm", x, epsilon: 1e-6)
    let (q, k, v) = (parts(n.linear("query", rows), 4), parts(n.linear("key", rows), 4), parts(n.linear("value", rows), 4))
    let heads = (0..<4).map { h in
      attend(q[h], k[h], v[h]) { i, j, score in
        j < lengths[b] ? score * 8.0.squareRoot() + biases[bucket(j - i)][h] : -.infinity
      }
    }
    return added(x, n.linear("output", joined(heads)))
  }
  return [results.flatMap(flat)]
}

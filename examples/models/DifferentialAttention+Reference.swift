import Foundation

let differentialAttentionExample = Example(
  "Differential attention", differentialAttention, at: .init(["S": 1]), .init(["S": 7]), .init(["S": 20])
) { n in
  let x = n.rows("x")
  func factor(_ number: Int) -> Double { exp(dot(n.list("lambdaQuery\(number)"), n.list("lambdaKey\(number)"))) }
  let lambda = factor(1) - factor(2) + 0.2
  let v = parts(n.linear("value", x), 2)
  let heads = (0..<2).map { head in
    func attended(_ number: Int) -> Rows {
      let (q, k) = (parts(n.linear("query\(number)", x), 2)[head], parts(n.linear("key\(number)", x), 2)[head])
      return attend(q, k, v[head]) { i, j, score in j <= i ? score : -.infinity }
    }
    let difference = zip(attended(1), attended(2)).map { zip($0, $1).map { $0 - lambda * $1 } }
    return n.rmsNorm("norm", difference).map { $0.map { 0.8 * $0 } }
  }
  return [flat(n.linear("output", joined(heads)))]
}

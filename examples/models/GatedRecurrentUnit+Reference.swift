import Foundation

let gatedRecurrentUnitExample = Example(
  "bidirectional GRU", gatedRecurrentUnit, at: .init(["T": 1, "B": 1]), .init(["T": 4, "B": 3]), .init(["T": 29, "B": 2])
) { n in
  func unit(_ name: String, _ x: [Rows]) -> [Rows] {
    n.recurrence(name, x, size: 8) { x, u, h in
      (0..<8).map { i in
        let (reset, update) = (sigmoid(x[i] + u[i]), sigmoid(x[8 + i] + u[8 + i]))
        return (1 - update) * tanh(x[16 + i] + reset * u[16 + i]) + update * h[i]
      }
    }
  }
  let x = n.matrices("x")
  let both = zip(unit("forward", x), unit("backward", x.reversed()).reversed()).map { zip($0, $1).map { $0 + $1 } }
  return [both.flatMap { flat(n.linear("output", $0)) }]
}

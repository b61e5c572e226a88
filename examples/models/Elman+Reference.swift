import Foundation

let elmanExample = Example(
  "Elman network", elman, at: .init(["T": 1, "B": 1]), .init(["T": 5, "B": 3]), .init(["T": 37, "B": 2])
) { n in
  let outputs = n.recurrence("recurrent", n.matrices("x"), size: 8) { x, u, h in
    (0..<8).map { tanh(x[$0] + u[$0]) }
  }
  return [outputs.flatMap { flat(n.linear("output", $0)) }]
}

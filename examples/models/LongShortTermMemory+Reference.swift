import Foundation

let longShortTermMemoryExample = Example(
  "LSTM language model", longShortTermMemory, at: .init(["T": 1, "B": 2], ["ids": [3, 10]]),
  .init(["T": 7, "B": 1], ["ids": [1, 0, 5, 5, 9, 10, 2]]),
  .init(["T": 18, "B": 2], ["ids": (0..<36).map { $0 * 7 % 11 }])
) { n in
  let (ids, table, batch) = (n.integers("ids"), n.rows("table.weight"), n.size("B"))
  let x = (0..<n.size("T")).map { t in (0..<batch).map { table[ids[t * batch + $0]] } }
  var cells = Rows(repeating: [Double](repeating: 0, count: 8), count: batch)
  var sequence = 0
  let states = n.recurrence("memory", x, size: 8) { x, u, _ in
    let gates = zip(x, u).map { $0 + $1 }
    let row = sequence % batch
    sequence += 1
    return (0..<8).map { i in
      cells[row][i] = sigmoid(gates[8 + i]) * cells[row][i] + sigmoid(gates[i]) * tanh(gates[16 + i])
      return sigmoid(gates[24 + i]) * tanh(cells[row][i])
    }
  }
  return [flat(states.last!), states.flatMap { flat(n.linear("output", $0)) }]
}

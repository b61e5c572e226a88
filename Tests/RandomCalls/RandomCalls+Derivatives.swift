import HeedDSL
import HeedIR

extension RandomCall {
  /// Derivatives of what there is with respect to what there is: mostly what is before it.
  nonisolated(unsafe) static let derivatives: [RandomCall] = [
    RandomCall("gradients") {
      let (output, inputs) = ($0.float(), $0.floats())
      switch $0.pick([0, 1, 2, 3]) {
      case 0: return gradients(of: output.sum(), with: inputs)
      case 1: return gradients(of: output, with: inputs, cotangent: $0.optional { $0.flag() ? output : $0.float() })
      case 2: return gradients(of: [output.sum(), output.mean()], with: $0.flag() ? inputs : $0.g.parameters)
      default:
        let outputs = $0.flag() ? [output, $0.float()] : $0.tensorList()
        return gradients(of: outputs, with: inputs, cotangents: $0.optional { $0.flag() ? outputs : $0.tensorList() })
      }
    },
    RandomCall("jvp") {
      let (output, inputs) = ($0.float(), $0.floats())
      let tangents = $0.flag() ? inputs : $0.floats()
      return $0.flag()
        ? [jvp(of: output, with: inputs, tangents: tangents)]
        : jvp(of: $0.flag() ? [output, output.sum()] : $0.tensorList(), with: inputs, tangents: tangents)
    },
    RandomCall("scan with steps") {
      let (g, x, h) = ($0.g, $0.float(), $0.float())
      let (sequences, initial) = ($0.flag() ? [x] : $0.tensorList(), $0.flag() ? [h] : $0.tensorList())
      let (isReversed, isKept) = ($0.flag(), $0.flag())
      let scanned = g.scan(
        over: sequences, initial: initial, isReversed: isReversed, checkpoints: $0.flag() ? .everyStep : .squareRoot
      ) { states, rows in (states: isKept ? states : states.map { $0 + x.sum() }, outputs: rows) }
      return scanned.states + scanned.outputs + [scanned.state, scanned.output]
    },
    RandomCall("GRU LSTM ElmanLayer") {
      let (g, x) = ($0.g, $0.tensor())
      return [
        ElmanLayer("elman", in: g, inputs: 4, size: 2)(x).output, GRU("gru", in: g, inputs: 4, size: 2)(x).output,
        LSTM("lstm", in: g, inputs: 4, size: 2)(x, checkpoints: .squareRoot).state,
      ]
    },
    RandomCall("adapting") {
      let (g, x) = ($0.g, $0.tensor())
      let adaptation = LowRankAdaptation(of: $0.flag() ? ["*"] : ["other"], rank: $0.int(), alpha: 1)
      return [g.adapting(adaptation) { Linear("adapted", in: g, inputs: 4, outputs: 3)(x) }]
    },
    RandomCall("checkpoint") {
      let (g, x, y) = ($0.g, $0.tensor(), $0.tensor())
      return g.checkpoint { [x * y, g.checkpoint { gradients(of: (x * x).sum(), with: [y])[0] }] }
    },
  ]
}

extension BadArguments {
  /// Tensors, mostly one or two of floats.
  fileprivate mutating func floats() -> [Tensor] {
    guard flag() else { return tensorList() }
    let known = tensors.filter { $0.element.isFloat }
    return (0..<pick([1, 1, 2, 3])).map { _ in known.isEmpty ? tensor() : pick(known) }
  }
}

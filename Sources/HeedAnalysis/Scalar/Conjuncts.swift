package import HeedIR

/// A truth value that a conjunction demands.
package struct Conjunct: Hashable {
  /// The truth value in the function.
  package let value: ScalarValue
  /// What it must be.
  package let want: Bool
}

extension ScalarFunction {
  /// What must hold at once so that `value` is `want`: the parts of `and` that is to be true and of `or` that is to be false,
  /// through `not`. Each stands once, in the order of the text.
  ///
  /// - Parameter isWhole: true for values that are not taken apart.
  package func conjuncts(
    of value: ScalarValue, being want: Bool = true, where isWhole: (ScalarValue) -> Bool = { _ in false }
  ) -> [Conjunct] {
    var (found, pending) = ([Conjunct](), [Conjunct(value: value, want: want)])
    var seen: Set<Conjunct> = []
    while let next = pending.popLast() {
      guard seen.insert(next).inserted else { continue }
      guard !isWhole(next.value), let instruction = instruction(next.value), instruction.type == .bool,
        case .elementwise(let op) = instruction.operation
      else {
        found.append(next)
        continue
      }
      switch op {
      case .and where next.want, .or where !next.want:
        pending += instruction.operands.reversed().map { Conjunct(value: $0, want: next.want) }
      case .not: pending.append(Conjunct(value: instruction.operands[0], want: !next.want))
      default: found.append(next)
      }
    }
    return found
  }

  /// The parts of a boolean function that must all be true, each as a function of its own.
  package func conjuncts() -> [ScalarFunction] { conjuncts(of: results[0]).map { holding([$0]) } }

  /// The function that is true where all `parts` are as they are wanted.
  func holding(_ parts: [Conjunct]) -> ScalarFunction {
    var builder = FunctionBuilder(self)
    let truths = parts.map { $0.want ? $0.value : builder.apply(.not, $0.value) }
    let all = truths.dropFirst().reduce(truths.first ?? builder.truth(true)) { builder.apply(.and, $0, $1) }
    return builder.finish([all])
  }
}

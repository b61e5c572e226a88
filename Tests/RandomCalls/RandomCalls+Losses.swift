import HeedDSL
import HeedIR

extension RandomCall {
  /// Losses.
  nonisolated(unsafe) static let losses: [RandomCall] = [
    RandomCall("crossEntropy") {
      let logits = $0.float()
      let labels = $0.flag() ? logits.argMax() : $0.integer()
      return crossEntropy(
        logits, labels, ignoring: $0.optional { $0.int() }, labelSmoothing: $0.flag() ? 0.1 : $0.double(),
        weights: $0.optional { $0.float() }, reduction: $0.pick(LossReduction.allCases))
    },
    RandomCall("meanSquaredError binaryCrossEntropy") {
      let (x, t, reduction) = ($0.float(), $0.float(), $0.pick(LossReduction.allCases))
      guard $0.flag() else { return meanSquaredError(x, t, reduction: reduction) }
      return binaryCrossEntropy(
        logits: x, t, weights: $0.optional { $0.float() }, positiveWeight: $0.optional { $0.float() }, reduction: reduction)
    },
    RandomCall("infoNCE") {
      let (a, b, flags, reduction) = ($0.float(), $0.float(), ($0.flag(), $0.flag()), $0.pick(LossReduction.allCases))
      guard $0.flag() else {
        return infoNCE(a, b, temperature: $0.float().sum(), isSymmetric: flags.0, normalizes: flags.1, reduction: reduction)
      }
      return infoNCE(a, b, temperature: $0.double(), isSymmetric: flags.0, normalizes: flags.1, reduction: reduction)
    },
  ]
}

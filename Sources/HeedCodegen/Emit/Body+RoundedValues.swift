internal import HeedIR

extension Body {
  /// For each instruction, whether its value is used only by conversions to bf16, at least one, and by sums.
  func roundedToBFloat16() -> [Bool] {
    var isCoarse = instructions.map { _ in true }
    var isRounded = instructions.map { _ in false }
    for instruction in instructions {
      let rounds = instruction.operation == .elementwise(.convert) && instruction.type == .bf16
      let isSum = if case .accumulate = instruction.operation { true } else { false }
      for operand in instruction.operands where operand.index >= parameters.count {
        let position = operand.index - parameters.count
        if rounds { isRounded[position] = true } else if !isSum { isCoarse[position] = false }
      }
    }
    return zip(isCoarse, isRounded).map { $0 && $1 }
  }
}

internal import HeedIR

extension InstructionSet {
  /// AVX-512: 2^x by the instructions that take the fraction of a float and that scale by a power of two, a third of the work of the
  /// expansion into plain arithmetic.
  static let avx512 = InstructionSet("avx512", on: .x86, [.powerScaling, .fma]) { operations in
    let expanded = operations.exp2
    operations.exp2 = { emitter, x, element, isCoarse in
      let full = emitter.target.lanes(of: element)
      let isWhole = x.type.isVector && x.type.laneCount % full == 0
      guard isWhole, element == .f32 || element == .f64 else { return expanded(emitter, x, element, isCoarse) }
      return emitter.byRegisters(x, lanes: full) { emitter.exp2ByScaling($0, element, isCoarse: isCoarse) }
    }
  }
}

extension Emitter {
  /// `operation` on each register of a vector of one or more; `lanes` is the number of lanes of a register.
  fileprivate func byRegisters(_ x: LLVMValue, lanes: Int, _ operation: (LLVMValue) -> LLVMValue) -> LLVMValue {
    let count = x.type.laneCount
    if count == lanes { return operation(x) }
    let half = count / 2
    let halves = [0, half].map { first in
      byRegisters(builder.shuffle(x, x.type.poison, Array(first..<first + half)), lanes: lanes, operation)
    }
    return builder.shuffle(halves[0], halves[1], Array(0..<count))
  }

  /// 2 to the power of a full vector.
  ///
  /// The fraction x - floor(x) goes through a polynomial on [0, 1) that is 1 at 0, whose value is scaled by 2^floor(x). 0 for -inf,
  /// inf for inf, exact for whole exponents, denormal results included. f32: within 2 ulp; f64: within 1e-15, relative.
  fileprivate func exp2ByScaling(_ x: LLVMValue, _ element: ElementType, isCoarse: Bool) -> LLVMValue {
    let coefficients = element == .f64 ? exp2Fraction64 : isCoarse ? exp2FractionCoarse : exp2Fraction32
    let suffix = element == .f64 ? "pd" : "ps"
    let all = module.context.integer(x.type.laneCount).constant(-1)
    // Rounding mode 1: down; 4: the current mode, no change of exceptions.
    let (down, current) = (int32.constant(1), int32.constant(4))
    let fraction = call("llvm.x86.avx512.mask.reduce.\(suffix).512", [], [x, down, x, all, current])
    var power = x.type.constant(coefficients.last!)
    for coefficient in coefficients.dropLast().reversed() {
      power = multiplyAdd(power, fraction, x.type.constant(coefficient))
    }
    return call("llvm.x86.avx512.mask.scalef.\(suffix).512", [], [power, x, x, all, current])
  }
}

// Minimax polynomials of 2^f for 0 <= f < 1, relative, with the value 1 at 0.
private let exp2Fraction32 = [
  1.0, 0.6931513118117306, 0.24016445006831866, 0.055799913420142566, 0.009017029880005148, 0.0018671302787462152,
]
private let exp2FractionCoarse = [1.0, 0.6951167896781273, 0.22764497674978623, 0.07706705524458704]
private let exp2Fraction64 = [
  1.0, 0.693147180559909, 0.2402265069609467, 0.0555041086325856, 0.009618129384465376, 0.0013333544569845799,
  0.00015403939741547238, 1.5244895756177e-05, 1.3310800975590978e-06, 9.469651205771597e-08, 9.935327037432375e-09,
]

import HeedIR
import HeedTestSupport
import Testing

/// Every op that can have floats for operands and results says how it is differentiated.
@Suite struct DerivativeRuleTests {
  /// Whether some operand may be a float. Ops that are not elementwise may all have one, or none at all.
  private func takesFloats(_ op: Op) -> Bool {
    switch op.scalar?.rule {
    case .unary(let real, _): real != nil
    case .binary(let real, _): real != nil
    case .randomBits: false
    default: !op.isRequest
    }
  }

  @Test func everyOpHasARuleOrAReason() {
    for op in Op.all where takesFloats(op) {
      guard let derivative = op.derivative else {
        Issue.record("\(op) has no derivative")
        continue
      }
      #expect(derivative.reasonForZero?.isEmpty != true, "\(op)")
    }
    for op in Op.all where !takesFloats(op) { #expect(op.derivative == nil, "\(op) has a derivative that nothing asks for") }
  }

  @Test func everyRuleIsChecked() {
    let tested = Set(gradientCases.map(\.mnemonic))
    let missing = Op.all.filter { op in
      op.derivative.map { $0.reasonForZero == nil } ?? false && !tested.contains(op.mnemonic)
    }
    #expect(missing.isEmpty, "no case of \(missing)")
    for test in gradientCases { #expect(test.text.contains(" \(test.mnemonic) "), "\(test)") }
  }
}

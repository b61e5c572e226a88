extension Op {
  /// `identity`: the operand as it is. Passes do not look through it: it keeps the value that something is differentiated with respect
  /// to apart from what it is made of. `expand-derivatives` takes it out.
  public static let identity = Op(
    "identity", operands: .named(["operand"]), infer: { [$0.operands[0]] }, evaluate: { [$0.operands[0]] },
    cost: { Cost(flops: 0, bytes: $0.bytes) }, decompose: { [$0.operands[0]] },
    derivative: .linear { _, cotangent in [cotangent] })
}

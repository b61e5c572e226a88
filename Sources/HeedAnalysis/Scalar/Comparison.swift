import HeedIR

/// A comparison that is to hold.
struct Comparison {
  enum Relation { case less, lessEqual, equal, notEqual }

  let relation: Relation
  /// Whether the operands change places.
  let isReversed: Bool

  /// The comparison that holds where that of `op` is `want`; nil where the op compares nothing.
  ///
  /// With a NaN neither order holds, so floats need care where `want` is false.
  init?(_ op: Op, _ want: Bool) {
    switch (op, want) {
    case (.less, true), (.greaterEqual, false): (relation, isReversed) = (.less, false)
    case (.lessEqual, true), (.greater, false): (relation, isReversed) = (.lessEqual, false)
    case (.greater, true), (.lessEqual, false): (relation, isReversed) = (.less, true)
    case (.greaterEqual, true), (.less, false): (relation, isReversed) = (.lessEqual, true)
    case (.equal, true), (.notEqual, false): (relation, isReversed) = (.equal, false)
    case (.notEqual, true), (.equal, false): (relation, isReversed) = (.notEqual, false)
    default: return nil
    }
  }

  /// The operands in the relation's order.
  func ordered<Operand>(_ a: Operand, _ b: Operand) -> (Operand, Operand) { isReversed ? (b, a) : (a, b) }
}

// The attributes that several ops share. Those of one op stand in its file.

extension AttributeKey where Value == Int {
  /// The dimension along which an op acts.
  public static var dim: Self { Self("dim") }
  /// How many of the greatest elements are kept.
  public static var count: Self { Self("count") }
}

extension AttributeKey where Value == [Int] {
  /// The dimensions that an op reduces or maps to.
  public static var dims: Self { Self("dims") }
  /// The sizes of a kernel's tiles: a choice of the compiler's without influence on the meaning.
  public static var tile: Self { Self("tile") }
}

extension AttributeKey where Value == Literal {
  /// What is added to a denominator or under a root.
  public static var epsilon: Self { Self("epsilon") }
}

extension AttributeKey where Value == Reduction {
  /// How elements are put together.
  public static var kind: Self { Self("kind") }
}

extension AttributeKey where Value == ContractSubscripts {
  /// The dimensions of a product and of its operands, by letters.
  public static var subscripts: Self { Self("subscripts") }
}

extension AttributeKey where Value == CapturedOperand {
  /// The operand that holds the offsets of segments of rows: only pairs in one segment meet.
  public static var ragged: Self { Self("ragged") }
}

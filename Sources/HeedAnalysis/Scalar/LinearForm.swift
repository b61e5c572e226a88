package import HeedIR

/// The whole number `query * i + key * j + rest` of a query index i and a key index j. The rest depends on neither.
package struct LinearForm: Hashable {
  package var query: Int
  package var key: Int
  package var rest: ScalarValue

  package init(query: Int = 0, key: Int = 0, rest: ScalarValue) { (self.query, self.key, self.rest) = (query, key, rest) }

  /// Whether the form depends on neither index.
  package var isUniform: Bool { query == 0 && key == 0 }

  /// The coefficient of one of the indices.
  subscript(side: IndexSide) -> Int { side == .query ? query : key }
}

/// One of the two indices of a pair.
package enum IndexSide: Hashable, Sendable {
  case query, key

  /// The other one.
  package var opposite: IndexSide { self == .query ? .key : .query }
}

extension FunctionBuilder {
  /// The sum of two forms.
  package mutating func sum(_ a: LinearForm, _ b: LinearForm) -> LinearForm {
    LinearForm(query: a.query + b.query, key: a.key + b.key, rest: apply(.add, a.rest, b.rest))
  }

  /// The difference of two forms.
  package mutating func difference(_ a: LinearForm, _ b: LinearForm) -> LinearForm {
    LinearForm(query: a.query - b.query, key: a.key - b.key, rest: apply(.subtract, a.rest, b.rest))
  }

  /// A form times a constant.
  package mutating func scale(_ form: LinearForm, _ factor: Int) -> LinearForm {
    let rest = factor == -1 ? apply(.subtract, whole(0), form.rest) : apply(.multiply, form.rest, whole(factor))
    return LinearForm(query: form.query * factor, key: form.key * factor, rest: rest)
  }

  /// A form plus a constant.
  package mutating func shift(_ form: LinearForm, _ amount: Int) -> LinearForm {
    var shifted = form
    shifted.rest = shift(form.rest, amount)
    return shifted
  }

  /// A whole number plus a constant, which is subtracted where it is negative.
  package mutating func shift(_ value: ScalarValue, _ amount: Int) -> ScalarValue {
    amount < 0 ? apply(.subtract, value, whole(-amount)) : apply(.add, value, whole(amount))
  }

  /// The number that a form is whatever the indices, where it is a constant.
  package func constant(_ form: LinearForm) -> Int? { form.isUniform ? wholeConstant(form.rest) : nil }
}

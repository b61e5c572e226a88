/// Whole-number expressions and accesses.
extension KernelVerifier {
  /// Checks that everything the expression mentions is there, in scope and an integer.
  func check(_ expression: IntegerExpression) throws {
    switch expression {
    case .constant, .verdict: break
    case .symbol(let name):
      try expect(symbols.contains(name), "got the symbol \(name), expected one of the buffers' shapes or strides")
    case .variable(let variable):
      try expect(variablesInScope.contains(variable), "got \(printer.name(variable)), which is not in scope here")
    case .value(let value):
      guard let body else { throw HeedError("got a body's value \(value.index) outside of a body") }
      try checkComputed(value)
      try expect(
        body.type(value).isInteger,
        "got \(printer.name(value)) of type \(body.type(value)) in an expression, expected an integer type")
    case .load(let access):
      try check(access)
      try expect(!access.isGuarded, "got the guarded \(printer.text(access)) in an expression, expected indices that are inside")
      let element = element(of: access.place)
      try expect(element.isInteger, "got \(printer.text(access)) of type \(element) in an expression, expected an integer type")
    case .binary(let op, let a, let b):
      try check(a)
      try check(b)
      try checkOperands(op, a, b)
    }
  }

  private func checkOperands(_ op: IntegerExpression.Operator, _ a: IntegerExpression, _ b: IntegerExpression) throws {
    switch (op, b.constantValue) {
    case (.divide, let divisor?), (.remainder, let divisor?):
      try expect(divisor > 0, "got division by \(divisor), expected at least 1")
    case (.shiftLeft, let count?), (.shiftRight, let count?):
      try expect(0..<64 ~= count, "got a shift by \(count), expected 0 to 63")
    case (.and, _), (.or, _):
      for operand in [a, b] where !isCondition(operand) {
        throw HeedError("got \(printer.text(operand)) as an operand of \(op.rawValue), expected a comparison")
      }
    default: break
    }
  }

  /// True where the expression is 0 or 1 by its form.
  func isCondition(_ expression: IntegerExpression) -> Bool {
    switch expression {
    case .constant(let value): value == 0 || value == 1
    case .variable(let variable): conditions.contains(variable)
    case .binary(let op, let a, let b):
      switch op {
      case .less, .lessEqual, .equal, .notEqual, .and, .or: true
      case .minimum, .maximum, .bitAnd, .bitOr, .bitXor: isCondition(a) && isCondition(b)
      default: false
      }
    case .verdict, .symbol, .value, .load: false
    }
  }

  func checkComputed(_ value: BodyValue) throws {
    guard let body, 0..<computedValues ~= value.index else {
      throw HeedError("got the value \(value.index) of \(computedValues) that are computed here")
    }
    if value.index >= body.parameters.count {
      switch body.instructions[value.index - body.parameters.count].operation {
      case .store, .accumulate: throw HeedError("got the value \(value.index), which is a store, expected one that has a value")
      default: break
      }
    }
  }

  // MARK: Accesses

  func element(of place: Place) -> ElementType {
    switch place {
    case .buffer(let number): kernel.buffers[number].type.element
    case .tile(let number): tiles[number].element
    }
  }

  /// Checks that the place is in scope, that there is one index per dimension, and that no index is certainly outside.
  func check(_ access: Access) throws {
    let extents: [Int?]
    switch access.place {
    case .buffer(let number):
      try expect(kernel.buffers.indices.contains(number), "got buffer \(number) of \(kernel.buffers.count)")
      extents = kernel.buffers[number].type.shape.extents.map(\.constant)
    case .tile(let number):
      try expect(tilesInScope.contains(number), "got \(printer.name(access.place)), which is not in scope here")
      extents = tiles[number].shape
    }
    try expect(
      access.indices.count == extents.count,
      "got \(printer.text(access)) with \(access.indices.count) indices, expected \(extents.count)")
    for (position, (index, extent)) in zip(access.indices, extents).enumerated() {
      try check(index.expression)
      guard !index.isGuarded, let range = attainedRange(index.expression) else { continue }
      let bound = extent ?? Int.max
      guard range.least < 0 || range.greatest >= bound else { continue }
      let got = range.least < 0 ? range.least : range.greatest
      let expected = extent.map { "0 to \($0 - 1)" } ?? "at least 0"
      throw HeedError("got the index \(got) in dimension \(position) of \(printer.text(access)), expected \(expected)")
    }
  }

  /// The least and greatest value that the expression takes, where it is a sum of multiples of variables that run over constant
  /// extents, each mentioned once: then both are taken.
  private func attainedRange(_ expression: IntegerExpression) -> (least: Int, greatest: Int, variables: Set<VariableID>)? {
    switch expression {
    case .constant(let value): return (value, value, [])
    case .verdict(let verdict): return (verdict.rawValue, verdict.rawValue, [])
    case .variable(let variable):
      guard let extent = constantExtents[variable], extent > 0 else { return nil }
      return (0, extent - 1, [variable])
    case .binary(let op, let a, let b) where [.add, .subtract, .multiply].contains(op):
      guard let x = attainedRange(a), let y = attainedRange(b), x.variables.isDisjoint(with: y.variables) else { return nil }
      if op == .multiply, !x.variables.isEmpty, !y.variables.isEmpty { return nil }
      let ends = [x.least, x.greatest].flatMap { p in [y.least, y.greatest].map { op.apply(p, $0) } }.compactMap { $0 }
      guard ends.count == 4 else { return nil }
      return (ends.min()!, ends.max()!, x.variables.union(y.variables))
    default: return nil
    }
  }
}

extension IntegerExpression {
  /// Whether the expression, or an index of a load in it, mentions the variable.
  func mentions(_ variable: VariableID) -> Bool {
    switch self {
    case .constant, .verdict, .symbol, .value: false
    case .variable(let other): other == variable
    case .load(let access): access.mentions(variable)
    case .binary(_, let a, let b): a.mentions(variable) || b.mentions(variable)
    }
  }
}

extension Access {
  /// Whether an index mentions the variable.
  func mentions(_ variable: VariableID) -> Bool { indices.contains { $0.expression.mentions(variable) } }
}

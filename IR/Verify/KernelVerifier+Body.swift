/// Bodies of maps and epilogues.
extension KernelVerifier {
  /// Checks the instructions of a body that runs for every point of `dimensions`, while the places `reading` are read as well.
  mutating func check(_ body: Body, over dimensions: [Dimension], reading: [Place]) throws {
    self.body = body
    computedValues = body.parameters.count
    defer { self.body = nil }
    for instruction in body.instructions {
      do {
        try check(instruction)
      } catch let error as HeedError {
        throw error.during(printer.text(instruction))
      }
      computedValues += 1
    }
    try checkIndependence(body, over: dimensions, reading: reading)
  }

  private func check(_ instruction: Body.Instruction) throws {
    guard let body else { return }
    for operand in instruction.operands { try checkComputed(operand) }
    let types = instruction.operands.map(body.type)
    switch instruction.operation {
    case .constant(let literal):
      try expect(
        literal.converted(to: instruction.type) == literal && types.isEmpty,
        "got a constant that is not a value of type \(instruction.type)")
    case .index(let expression):
      try expect(
        (instruction.type == .i32 || instruction.type == .i64) && types.isEmpty, "got type \(instruction.type), expected i32 or i64"
      )
      try check(expression)
    case .elementwise(let op):
      guard let scalar = op.scalar else {
        throw HeedError("got the op \(op), expected an elementwise one")
      }
      try expect(types.count == scalar.arity, "got \(types.count) operands, expected \(scalar.arity)")
      let result = try scalar.resultElement(types, stated: instruction.type)
      try expect(result == instruction.type, "got type \(instruction.type), expected \(result)")
    case .load(let access, let otherwise):
      try expect(types.isEmpty, "got \(types.count) operands, expected none")
      try check(access)
      if let otherwise {
        try expect(
          otherwise.converted(to: instruction.type) == otherwise, "got a fallback that is not a value of type \(instruction.type)")
      }
    case .store(let access):
      try checkWrite(access, instruction, types)
    case .accumulate(_, let access):
      try checkWrite(access, instruction, types)
      let element = element(of: access.place)
      try expect(
        element.isInteger || element == .f32 || element == .f64,
        "got an accumulation in \(printer.name(access.place)) of type \(element), expected f32, f64 or an integer type")
      try expect(
        instruction.type.isFloat == element.isFloat && instruction.type != .bool,
        "got an accumulation of \(instruction.type) in \(printer.name(access.place)) of type \(element), expected both float or both integer"
      )
    }
  }

  private func checkWrite(_ access: Access, _ instruction: Body.Instruction, _ types: [ElementType]) throws {
    try expect(
      types == [instruction.type],
      "got operands of types (\(types.map(\.name).joined(separator: ", "))), expected one of \(instruction.type)")
    try check(access)
    try checkWritten(access.place)
  }

  /// Checks that the place may be written.
  func checkWritten(_ place: Place) throws {
    if case .buffer(let number) = place, kernel.buffers[number].role == .input {
      throw HeedError("got a write to the input \(printer.name(place)), expected an output, inout, workspace or tile")
    }
  }

  // MARK: Independence

  /// Checks what shows by form alone of "no round reads what another one stores".
  private func checkIndependence(_ body: Body, over dimensions: [Dimension], reading: [Place]) throws {
    var accumulations: [Access] = []
    var others: [Place] = reading
    for instruction in body.instructions {
      switch instruction.operation {
      case .store(let access):
        if reading.contains(access.place) {
          throw HeedError("got a store to \(printer.name(access.place)), which the contraction reads, expected another place")
        }
        try checkDistinct(access, in: body, over: dimensions)
        others.append(access.place)
      case .accumulate(_, let access):
        if accumulations.contains(access) {
          throw HeedError("got a second accumulation in \(printer.text(access)), expected one: combine the values first")
        }
        accumulations.append(access)
      case .load(let access, _): others.append(access.place)
      case .constant, .index, .elementwise: break
      }
      instruction.forEachLoad { others.append($0.place) }
    }
    for access in accumulations where others.contains(access.place) {
      throw HeedError(
        "got an accumulation in \(printer.text(access)) beside a load or store of \(printer.name(access.place)), expected them in maps of their own"
      )
    }
  }

  /// Rounds that differ in a variable which the indices do not depend on store to one element.
  private func checkDistinct(_ access: Access, in body: Body, over dimensions: [Dimension]) throws {
    let isEmpty = dimensions.contains { if case .constant(let extent) = $0.extent { extent <= 0 } else { false } }
    for dimension in dimensions where !isEmpty {
      guard case .constant(let extent) = dimension.extent, extent > 1, !dependsOn(dimension.variable, access, in: body) else {
        continue
      }
      throw HeedError(
        "got a store to \(printer.text(access)), the same place for all \(extent) rounds of \(printer.name(dimension.variable)), "
          + "expected a place for each")
    }
  }

  private func dependsOn(_ variable: VariableID, _ access: Access, in body: Body) -> Bool {
    // What values depend on is not followed: any value may.
    var usesValue = false
    for index in access.indices { index.expression.forEachValue { _ in usesValue = true } }
    return usesValue || access.mentions(variable)
  }
}

extension Body.Instruction {
  /// Calls `visit` with the loads in the instruction's whole-number expressions.
  func forEachLoad(_ visit: (Access) -> Void) {
    switch operation {
    case .index(let expression): expression.forEachLoad(visit)
    case .load(let access, _), .store(let access), .accumulate(_, let access):
      for index in access.indices { index.expression.forEachLoad(visit) }
    case .constant, .elementwise: break
    }
  }
}

extension IntegerExpression {
  /// Calls `visit` with every load in the expression.
  func forEachLoad(_ visit: (Access) -> Void) {
    switch self {
    case .constant, .verdict, .symbol, .variable, .value: break
    case .load(let access):
      visit(access)
      for index in access.indices { index.expression.forEachLoad(visit) }
    case .binary(_, let a, let b):
      a.forEachLoad(visit)
      b.forEachLoad(visit)
    }
  }
}

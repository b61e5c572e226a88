extension ScalarFunction: CustomStringConvertible {
  /// The function as text, with its tables under their own names:
  /// `(%s: f32, %i: i32) { ... }`.
  public var description: String {
    var names = PrintedNames()
    return text(tables: tables.map { names.next($0.name) })
  }

  /// The function as the region of an op: `(%s: f32, %i: i32) {`, a line for each instruction, the `yield` and `}`.
  /// - Parameters:
  ///   - tables: the names of the captured tensors with their `%`.
  ///   - indent: the spaces before the line that the region begins on.
  package func text(tables: [String], indent: Int = 0) -> String {
    let inlined = inlinedConstants()
    var scope = PrintedNames()
    var names: [String] = []
    for parameter in parameters { names.append(scope.next(parameter.name)) }
    for (position, instruction) in instructions.enumerated() {
      let value = parameters.count + position
      if inlined[value], case .constant(let literal) = instruction.operation {
        names.append(literal.text(as: instruction.type))
      } else {
        names.append(scope.next(instruction.name))
      }
    }
    func list(_ values: [ScalarValue]) -> String { values.map { names[$0.index] }.joined(separator: ", ") }
    var lines = ["(" + zip(names, parameters).map { "\($0): \($1.type)" }.joined(separator: ", ") + ") {"]
    let space = String(repeating: " ", count: indent)
    for (position, instruction) in instructions.enumerated() where !inlined[parameters.count + position] {
      let computed =
        switch instruction.operation {
        case .constant(let literal): "constant \(literal.text(as: instruction.type))"
        case .elementwise(let op): "\(op) \(list(instruction.operands))"
        case .extent(let extent): "\(Op.extent) \(Attributes([Attribute(.extentValue, [extent])]).text(element: nil))"
        case .element(let table): "element \(tables[table])[\(list(instruction.operands))]"
        }
      lines.append("\(space)  \(names[parameters.count + position]) = \(computed) : \(instruction.type)")
    }
    lines.append("\(space)  yield \(list(results))")
    lines.append("\(space)}")
    return lines.joined(separator: "\n")
  }

  /// By value: true for the constants that are written where they are used.
  private func inlinedConstants() -> [Bool] {
    var inlined = [Bool](repeating: false, count: parameters.count + instructions.count)
    var used = inlined
    for operand in instructions.flatMap(\.operands) + results { used[operand.index] = true }
    for value in instructions.indices.map({ ScalarValue(parameters.count + $0) }) where used[value.index] {
      inlined[value.index] = constant(value) != nil && name(value).isNone
    }
    for result in results where type(result) != LiteralOperand.yielded { inlined[result.index] = false }
    var changed = true
    while changed {
      changed = false
      for instruction in instructions {
        for (position, operand) in instruction.operands.enumerated() where inlined[operand.index] {
          let types = instruction.operands.map { inlined[$0.index] ? nil : type($0) }
          let element: ElementType? =
            switch instruction.operation {
            case .elementwise(let op):
              LiteralOperand.element(of: op, at: position, operands: types, result: instruction.type)
            case .element: LiteralOperand.index(among: types)
            case .constant, .extent: nil
            }
          if element != type(operand) {
            inlined[operand.index] = false
            changed = true
          }
        }
      }
    }
    return inlined
  }
}

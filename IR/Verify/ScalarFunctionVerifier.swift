extension ScalarFunction: Verifiable {
  /// Checks that every operand is defined above its use, that types are those the ops infer, and that something is yielded. Checks
  /// that elements are read from tables that exist, with one integer index per dimension.
  /// - Throws: one line that says what is wrong with which instruction.
  public func verify() throws {
    for (position, instruction) in instructions.enumerated() {
      do {
        try verify(instruction, at: parameters.count + position)
      } catch let error as HeedError {
        throw error.during(instruction.name.isNone ? "instruction \(position)" : "%\(instruction.name.quotedWhereNeeded)")
      }
    }
    guard !results.isEmpty else { throw HeedError("got a region that yields nothing, expected a value") }
    for result in results where !(0..<parameters.count + instructions.count).contains(result.index) {
      throw HeedError("got a region that yields value \(result.index), which it does not define")
    }
  }

  private func verify(_ instruction: Instruction, at value: Int) throws {
    for operand in instruction.operands where !(0..<value).contains(operand.index) {
      throw HeedError("got the operand \(operand.index), which nothing above defines")
    }
    let operands = instruction.operands.map(type)
    switch instruction.operation {
    case .constant(let literal):
      guard operands.isEmpty, literal.converted(to: instruction.type) == literal else {
        throw HeedError("got a constant that is not a value of type \(instruction.type)")
      }
    case .elementwise(let op):
      guard op.scalar != nil else { throw HeedError("got \(op), expected an elementwise op") }
      _ = try op.resultTypes(
        of: Inference(
          op: op, operands: operands.map { TensorType($0, .scalar) }, attributes: Attributes([]), regions: [],
          stated: [TensorType(instruction.type, .scalar)], facts: []))
    case .extent:
      guard operands.isEmpty, instruction.type != .bool else {
        throw HeedError("got an extent of type \(instruction.type), expected a number")
      }
    case .element(let table):
      guard tables.indices.contains(table) else {
        throw HeedError("got an element of table \(table), expected one of \(tables.count) tables")
      }
      let type = tables[table].type
      guard operands.count == type.rank, operands.allSatisfy(\.isInteger), instruction.type == type.element else {
        throw HeedError(
          "got an element of type \(instruction.type) by \(operands.count) indices of a \(type), expected \(type.rank) integers")
      }
    }
  }
}

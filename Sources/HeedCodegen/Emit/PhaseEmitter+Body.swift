internal import HeedIR

/// Bodies: the instructions of a map or an epilogue, for the current group of lanes.
extension PhaseEmitter {
  /// Emits the instructions whose values are not known yet, in order. `accumulate` may take an accumulation over and `store` a
  /// store: they return false to have it done in memory.
  func emitBody(
    where isWanted: (Int) -> Bool = { _ in true },
    accumulate takeOver: (_ instruction: Int, _ operand: LaneValue) -> Bool = { _, _ in false },
    store takeOverStore: (_ instruction: Int, _ operand: LaneValue) -> Bool = { _, _ in false }
  ) throws {
    let coarse = body.roundedToBFloat16()
    for (position, instruction) in body.instructions.enumerated() {
      let number = body.parameters.count + position
      guard values[number] == nil, isWanted(position) else { continue }
      switch instruction.operation {
      case .store(let access):
        let operand = values[instruction.operands[0].index]!
        if !takeOverStore(position, operand) { try store(operand, of: instruction.type, access) }
      case .accumulate(let reduction, let access):
        let operand = values[instruction.operands[0].index]!
        if !takeOver(position, operand) { try accumulate(reduction, operand, of: instruction.type, access) }
      default: values[number] = try evaluate(instruction, isCoarse: coarse[position])
      }
    }
  }

  private func evaluate(_ instruction: Body.Instruction, isCoarse: Bool) throws -> LaneValue {
    switch instruction.operation {
    case .constant(let literal):
      return instruction.type == .i32 || instruction.type == .i64
        ? .linear(LinearIndex(Int(literal.integer))) : .uniform(emitter.constant(literal, instruction.type))
    case .index(let expression):
      let value = try evaluate(expression)
      guard case .varying(let vector) = value else { return value }
      return .varying(emitter.convert(vector, from: .i64, to: instruction.type))
    case .elementwise(let op):
      if op == .randomBits, let words = try randomWords(instruction) { return words }
      let operands = instruction.operands.map { values[$0.index]! }
      return try elementwise(op, operands, instruction.operands.map(body.type), instruction.type, isCoarse: isCoarse)
    case .load(let access, let otherwise): return try load(access, as: instruction.type, otherwise: otherwise)
    case .store, .accumulate: preconditionFailure("an instruction without a value")
    }
  }

  // MARK: Registers

  /// The value as one register for the current lanes.
  func register(_ value: LaneValue, _ element: ElementType) -> LLVMValue {
    switch value {
    case .uniform(let scalar): lanes == 1 ? scalar : builder.broadcast(scalar, lanes)
    case .linear(let index): emitter.vector(index, lanes, emitter.registerType(element, 1))
    case .varying(let vector): vector
    }
  }

  /// The value as a scalar, where it is the same in every lane.
  func uniformRegister(_ value: LaneValue, _ element: ElementType) -> LLVMValue? {
    switch value {
    case .uniform(let scalar): scalar
    case .linear(let index) where index.isUniform: emitter.vector(index, 1, emitter.registerType(element, 1))
    case .linear, .varying: nil
    }
  }

  // MARK: Elementwise ops

  /// An elementwise op on values of these types: kept linear where it can be, on scalars where all operands are the same in
  /// every lane, else on vectors. A result that `isCoarse` is only ever rounded to bf16.
  func elementwise(
    _ op: Op, _ operands: [LaneValue], _ types: [ElementType], _ type: ElementType, isCoarse: Bool = false
  ) throws -> LaneValue {
    if let linear = linear(op, operands, types, type) { return .linear(linear) }
    guard let semantics = op.scalar else { preconditionFailure("\(op) is not an elementwise op") }
    // The ops on 16-bit floats are computed in f32 and rounded.
    let computed = operandType(semantics, types)
    if op == .exp2, case .varying(let vector) = operands[0],
      let power = emitter.exp2(vector, computed, isCoarse: isCoarse || type == .bf16)
    {
      return .varying(emitter.rounded(power, to: type))
    }
    if let expansion = try semantics.expansion?(computed) {
      return round(try expand(expansion, operands)[0], to: type)
    }
    let scalars = zip(operands, types).map { uniformRegister($0, $1) }
    let isUniform = scalars.allSatisfy { $0 != nil }
    let registers = isUniform ? scalars.map { $0! } : zip(operands, types).map { register($0, $1) }
    let result: LLVMValue
    switch semantics.rule {
    case .convert: result = emitter.convert(registers[0], from: types[0], to: type)
    case .bitcast: result = emitter.bitCast(registers[0], from: types[0], to: type)
    default:
      guard let primitive = PrimitiveOp.of(op) else {
        throw HeedError("code generation has no instruction for \(op) of \(types.map(\.name).joined(separator: ", "))")
      }
      result = emitter.rounded(primitive.emit(emitter, registers, computed), to: type)
    }
    return isUniform ? .uniform(result) : .varying(result)
  }

  /// The element type that an op computes in.
  private func operandType(_ semantics: ScalarSemantics, _ types: [ElementType]) -> ElementType {
    let type = if case .select = semantics.rule { types[1] } else { types[0] }
    return type.computed
  }

  private func round(_ value: LaneValue, to element: ElementType) -> LaneValue {
    switch value {
    case .uniform(let scalar): .uniform(emitter.rounded(scalar, to: element))
    case .varying(let vector): .varying(emitter.rounded(vector, to: element))
    case .linear: value
    }
  }

  /// The values that a scalar function yields on these operands.
  func expand(_ function: ScalarFunction, _ operands: [LaneValue]) throws -> [LaneValue] {
    var known = operands
    for instruction in function.instructions {
      switch instruction.operation {
      case .constant(let literal): known.append(.uniform(emitter.constant(literal, instruction.type)))
      case .elementwise(let op):
        known.append(
          try elementwise(
            op, instruction.operands.map { known[$0.index] }, instruction.operands.map(function.type), instruction.type))
      case .element, .extent: preconditionFailure("an expansion reads no tensor and no extent")
      }
    }
    return function.results.map { known[$0.index] }
  }

  /// Sums, differences, products and conversions of whole numbers that grow by one step from lane to lane.
  private func linear(
    _ op: Op, _ operands: [LaneValue], _ types: [ElementType], _ type: ElementType
  ) -> LinearIndex? {
    func isIndex(_ element: ElementType) -> Bool { element == .i32 || element == .i64 }
    guard isIndex(type), types.allSatisfy(isIndex), lanes > 1 else { return nil }
    // Whole numbers that are the same in every lane wrap in their own type; only addresses in the making are held wider.
    let varies = operands.contains { if case .linear(let index) = $0 { !index.isUniform } else { false } }
    guard varies else { return nil }
    let indices = zip(operands, types).compactMap { operand, type -> LinearIndex? in
      switch operand {
      case .linear(let index): index
      case .uniform(let scalar): LinearIndex(type == .i64 ? scalar : builder.extendSigned(scalar, to: emitter.int64))
      case .varying: nil
      }
    }
    guard indices.count == operands.count else { return nil }
    switch op {
    case .convert: return indices[0]
    case .add: return emitter.add(indices[0], indices[1])
    case .subtract: return emitter.subtract(indices[0], indices[1])
    case .multiply where indices[1].isUniform: return emitter.multiply(indices[0], by: indices[1])
    case .multiply where indices[0].isUniform: return emitter.multiply(indices[1], by: indices[0])
    default: return nil
    }
  }
}

internal import HeedIR

/// Consecutive rows of a contraction that one register tile computes.
struct RowBlock {
  var start: LinearIndex
  var count: Int
  /// How many of them are there; nil for all.
  var live: LLVMValue?
}

/// Consecutive columns of a contraction that one register tile computes: vectors of `lanes` columns.
struct ColumnBlock {
  var start: LinearIndex
  var lanes: Int
  /// For each vector, which of its lanes are there; nil for all.
  var masks: [LLVMValue?]
}

/// A contraction whose operands a register tile can address: both move by fixed strides along the contracted dimensions, and the
/// right one by one unit along the columns.
struct MatrixProduct {
  /// What a step along the contracted dimension multiplies.
  enum Unit {
    /// One element of each operand.
    case element
    /// Two bf16 that lie side by side in both operands: the last contracted dimension, which `over` leaves out, has two points.
    /// One instruction adds both products, on targets that have it.
    case pair
    /// Two rows of bf16, whose elements are interleaved into pairs as they are loaded, for that instruction.
    case rows
  }

  let contraction: Contraction
  var rows: Dimension { contraction.rows }
  var columns: Dimension { contraction.columns.last! }
  let unit: Unit
  /// The contracted dimensions along which units lie.
  let over: [Dimension]
  /// What each operand moves by, in elements, for each dimension of `over`.
  let leftStrides: [LinearIndex]
  let rightStrides: [LinearIndex]

  /// Nil where the operands' addresses do not have that form.
  init?(_ contraction: Contraction, _ phase: PhaseEmitter) throws {
    func stride(_ access: Access, _ variable: VariableID) throws -> LinearIndex? {
      try phase.stride(of: access, along: variable, in: contraction)
    }
    guard !contraction.left.isGuarded, !contraction.right.isGuarded else { return nil }
    guard let columnStride = try stride(contraction.right, contraction.columns.last!.variable)?.constant else { return nil }
    var (left, right): ([LinearIndex], [LinearIndex]) = ([], [])
    for dimension in contraction.over {
      guard let x = try stride(contraction.left, dimension.variable), let y = try stride(contraction.right, dimension.variable)
      else { return nil }
      left.append(x)
      right.append(y)
    }
    let elements = [contraction.left, contraction.right].map { phase.elementType($0.place) }
    let isNarrow = elements == [.bf16, .bf16] && contraction.accumulator == .f32
    if isNarrow, columnStride == 2, contraction.over.last?.extent == 2, left.last?.constant == 1, right.last?.constant == 1 {
      unit = .pair
    } else {
      guard columnStride == 1 else { return nil }
      unit = isNarrow && left.last?.constant == 1 && phase.emitter.target.has(.bfloat16Products) ? .rows : .element
    }
    let units = unit == .pair ? 1 : 0
    (self.contraction, over) = (contraction, contraction.over.dropLast(units))
    (leftStrides, rightStrides) = (left.dropLast(units), right.dropLast(units))
  }

  /// The left factor at a distance from its start, the same for `lanes` columns.
  func loadLeft(_ start: OperandStart, _ distance: LinearIndex, _ lanes: Int, _ phase: PhaseEmitter) -> LLVMValue {
    let (emitter, element) = (phase.emitter, start.element)
    let pointer = start.address(distance, 0, phase)
    let raw = phase.builder.load(unitType(element, 1, emitter), pointer, alignment: element.byteCount)
    let factor = unit == .pair ? raw : emitter.convert(emitter.fromMemory(raw, element), from: element, to: contraction.accumulator)
    return lanes == 1 ? factor : phase.builder.broadcast(factor, lanes)
  }

  /// The right factors of `lanes` columns, `column` columns past the start of a row.
  func loadRight(
    _ start: OperandStart, _ distance: LinearIndex, _ column: Int, _ lanes: Int, _ mask: LLVMValue?, _ phase: PhaseEmitter
  ) -> LLVMValue {
    let (emitter, element) = (phase.emitter, start.element)
    let pointer = start.address(distance, unit == .pair ? 2 * column : column, phase)
    let type = unitType(element, lanes, emitter)
    let raw =
      mask.map { emitter.maskedLoad(type, pointer, $0, alignment: element.byteCount) }
      ?? emitter.builder.load(type, pointer, alignment: element.byteCount)
    return unit == .pair ? raw : emitter.convert(emitter.fromMemory(raw, element), from: element, to: contraction.accumulator)
  }

  /// A sum with the product of a unit added.
  func multiplyAdd(_ left: LLVMValue, _ right: LLVMValue, _ sum: LLVMValue, _ emitter: Emitter) -> LLVMValue {
    unit == .pair ? emitter.pairMultiplyAdd(left, right, sum) : emitter.multiplyAdd(left, right, sum)
  }

  /// The type of `lanes` units in memory.
  private func unitType(_ element: ElementType, _ lanes: Int, _ emitter: Emitter) -> LLVMType {
    guard unit == .pair else { return emitter.memoryType(element, lanes) }
    return lanes == 1 ? emitter.int32 : emitter.int32.vector(lanes)
  }
}

/// Where an operand of a contraction begins: an address and a constant number of elements past it.
struct OperandStart {
  private var pointer: LLVMValue
  private var offset: Int
  let element: ElementType

  /// The start for the current row and column, at 0 of the contracted dimensions.
  init(_ access: Access, _ phase: PhaseEmitter) throws {
    let indices = try access.indices.map { try phase.evaluate($0.expression) }
    guard var distance = phase.distance(access, indices) else { preconditionFailure("an operand's lanes are scattered") }
    offset = distance.offset
    distance.offset = 0
    (pointer, element) = (phase.address(access.place, distance), phase.elementType(access.place))
  }

  /// The same start, with an address that LLVM does not derive from others. Where each row of a tile has an address of its own, LLVM
  /// tries so many ways to derive them from each other in the loop that it may settle for one with more instructions.
  func independent(_ phase: PhaseEmitter) -> OperandStart {
    var start = self
    start.pointer = phase.builder.freeze(pointer)
    return start
  }

  /// The address at a distance in elements: the variable part first, so that neighbours share it; the constant part goes into the
  /// instruction.
  func address(_ distance: LinearIndex, _ column: Int, _ phase: PhaseEmitter, mayLeave: Bool = false) -> LLVMValue {
    let type = phase.emitter.memoryType(element, 1)
    var pointer = pointer
    if let base = distance.base { pointer = phase.builder.address(pointer, base, of: type, mayLeave: mayLeave) }
    let constant = distance.offset + offset + column
    return constant == 0
      ? pointer : phase.builder.address(pointer, phase.emitter.index(constant), of: type, mayLeave: mayLeave)
  }
}

extension PhaseEmitter {
  /// What an operand of a contraction moves by, in elements, along one of its dimensions; nil where that is not a fixed number.
  func stride(of access: Access, along variable: VariableID, in contraction: Contraction) throws -> LinearIndex? {
    let inner = ([contraction.rows] + contraction.columns + contraction.over).map(\.variable)
    var total = LinearIndex(0)
    for (index, stride) in zip(access.indices, strides(access.place)) {
      guard let factor = coefficient(of: variable, in: index.expression) else { return nil }
      if inner.contains(where: { mentions($0, factor) }) { return nil }
      total = emitter.add(total, emitter.multiply(try uniform(factor), by: stride))
    }
    return total
  }
}

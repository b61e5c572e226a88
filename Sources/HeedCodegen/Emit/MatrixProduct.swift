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
/// right one by one element along the columns.
struct MatrixProduct {
  let contraction: Contraction
  var rows: Dimension { contraction.rows }
  var columns: Dimension { contraction.columns.last! }
  /// What each operand moves by, in elements, for each contracted dimension.
  let leftStrides: [LinearIndex]
  let rightStrides: [LinearIndex]

  /// Nil where the operands' addresses do not have that form.
  init?(_ contraction: Contraction, _ phase: PhaseEmitter) throws {
    let inner = ([contraction.rows] + contraction.columns + contraction.over).map(\.variable)
    guard !contraction.left.isGuarded, !contraction.right.isGuarded else { return nil }
    func stride(_ access: Access, _ variable: VariableID) throws -> LinearIndex? {
      var total = LinearIndex(0)
      for (index, stride) in zip(access.indices, phase.strides(access.place)) {
        guard let factor = phase.coefficient(of: variable, in: index.expression) else { return nil }
        if inner.contains(where: { phase.mentions($0, factor) }) { return nil }
        total = phase.emitter.add(total, phase.emitter.multiply(try phase.uniform(factor), by: stride))
      }
      return total
    }
    guard try stride(contraction.right, contraction.columns.last!.variable)?.constant == 1 else { return nil }
    var (left, right): ([LinearIndex], [LinearIndex]) = ([], [])
    for dimension in contraction.over {
      guard let x = try stride(contraction.left, dimension.variable), let y = try stride(contraction.right, dimension.variable)
      else { return nil }
      left.append(x)
      right.append(y)
    }
    (self.contraction, leftStrides, rightStrides) = (contraction, left, right)
  }

  /// Where an operand begins: an address and a constant number of elements past it.
  struct Start {
    var pointer: LLVMValue
    var offset: Int
    var element: ElementType
  }

  /// The start of an operand for the current row and column, at 0 of the contracted dimensions.
  func start(_ access: Access, _ phase: PhaseEmitter) throws -> Start {
    let indices = try access.indices.map { try phase.evaluate($0.expression) }
    guard var distance = phase.distance(access, indices) else { preconditionFailure("an operand's lanes are scattered") }
    let offset = distance.offset
    distance.offset = 0
    return Start(pointer: phase.address(access.place, distance), offset: offset, element: phase.elementType(access.place))
  }

  /// The left factor at a distance from its start, as an accumulator's type.
  func loadLeft(_ start: Start, _ distance: LinearIndex, _ phase: PhaseEmitter) -> LLVMValue {
    let pointer = address(start, distance, 0, phase)
    let raw = phase.builder.load(phase.emitter.memoryType(start.element, 1), pointer, alignment: start.element.byteCount)
    return phase.emitter.convert(phase.emitter.fromMemory(raw, start.element), from: start.element, to: contraction.accumulator)
  }

  /// The right factors of `lanes` columns, `column` elements past the start of a row.
  func loadRight(
    _ start: Start, _ distance: LinearIndex, _ column: Int, _ lanes: Int, _ mask: LLVMValue?, _ phase: PhaseEmitter
  ) -> LLVMValue {
    let (emitter, element) = (phase.emitter, start.element)
    let pointer = address(start, distance, column, phase)
    let type = emitter.memoryType(element, lanes)
    let raw =
      mask.map { emitter.maskedLoad(type, pointer, $0, alignment: element.byteCount) }
      ?? emitter.builder.load(type, pointer, alignment: element.byteCount)
    return emitter.convert(emitter.fromMemory(raw, element), from: element, to: contraction.accumulator)
  }

  /// The variable part first, so that neighbours share it; the constant part goes into the instruction.
  private func address(_ start: Start, _ distance: LinearIndex, _ column: Int, _ phase: PhaseEmitter) -> LLVMValue {
    let type = phase.emitter.memoryType(start.element, 1)
    var pointer = start.pointer
    if let base = distance.base { pointer = phase.builder.address(pointer, base, of: type) }
    let constant = distance.offset + start.offset + column
    return constant == 0 ? pointer : phase.builder.address(pointer, phase.emitter.index(constant), of: type)
  }
}

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
///
/// A unit is an element, or a pair of bf16 that lie side by side in both operands: where the last contracted dimension has two
/// points, one instruction adds both products, on targets that have it.
struct MatrixProduct {
  let contraction: Contraction
  var rows: Dimension { contraction.rows }
  var columns: Dimension { contraction.columns.last! }
  /// Whether a unit is a pair; the dimension of its two elements is not in `over`.
  let isPaired: Bool
  /// The contracted dimensions along which units lie.
  let over: [Dimension]
  /// What each operand moves by, in elements, for each dimension of `over`.
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
    guard let columnStride = try stride(contraction.right, contraction.columns.last!.variable)?.constant else { return nil }
    var (left, right): ([LinearIndex], [LinearIndex]) = ([], [])
    for dimension in contraction.over {
      guard let x = try stride(contraction.left, dimension.variable), let y = try stride(contraction.right, dimension.variable)
      else { return nil }
      left.append(x)
      right.append(y)
    }
    let elements = [contraction.left, contraction.right].map { phase.elementType($0.place) }
    isPaired =
      columnStride == 2 && elements == [.bf16, .bf16] && contraction.accumulator == .f32 && contraction.over.last?.extent == 2
      && left.last?.constant == 1 && right.last?.constant == 1
    guard isPaired || columnStride == 1 else { return nil }
    let units = isPaired ? 1 : 0
    (self.contraction, over) = (contraction, contraction.over.dropLast(units))
    (leftStrides, rightStrides) = (left.dropLast(units), right.dropLast(units))
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

  /// The left factor at a distance from its start, the same for `lanes` columns.
  func loadLeft(_ start: Start, _ distance: LinearIndex, _ lanes: Int, _ phase: PhaseEmitter) -> LLVMValue {
    let (emitter, element) = (phase.emitter, start.element)
    let pointer = address(start, distance, 0, phase)
    let raw = phase.builder.load(unitType(element, 1, emitter), pointer, alignment: element.byteCount)
    let factor = isPaired ? raw : emitter.convert(emitter.fromMemory(raw, element), from: element, to: contraction.accumulator)
    return lanes == 1 ? factor : phase.builder.broadcast(factor, lanes)
  }

  /// The right factors of `lanes` columns, `column` columns past the start of a row.
  func loadRight(
    _ start: Start, _ distance: LinearIndex, _ column: Int, _ lanes: Int, _ mask: LLVMValue?, _ phase: PhaseEmitter
  ) -> LLVMValue {
    let (emitter, element) = (phase.emitter, start.element)
    let pointer = address(start, distance, isPaired ? 2 * column : column, phase)
    let type = unitType(element, lanes, emitter)
    let raw =
      mask.map { emitter.maskedLoad(type, pointer, $0, alignment: element.byteCount) }
      ?? emitter.builder.load(type, pointer, alignment: element.byteCount)
    return isPaired ? raw : emitter.convert(emitter.fromMemory(raw, element), from: element, to: contraction.accumulator)
  }

  /// A sum with the product of a unit added.
  func multiplyAdd(_ left: LLVMValue, _ right: LLVMValue, _ sum: LLVMValue, _ emitter: Emitter) -> LLVMValue {
    isPaired ? emitter.pairMultiplyAdd(left, right, sum) : emitter.multiplyAdd(left, right, sum)
  }

  /// The type of `lanes` units in memory.
  private func unitType(_ element: ElementType, _ lanes: Int, _ emitter: Emitter) -> LLVMType {
    guard isPaired else { return emitter.memoryType(element, lanes) }
    return lanes == 1 ? emitter.int32 : emitter.int32.vector(lanes)
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

extension Emitter {
  /// `sum + a0 * b0 + a1 * b1`, for each lane of f32, from pairs of bf16 as 32-bit integers, the first element in the low half.
  ///
  /// The instruction rounds after each product to nearest and takes denormal numbers as 0. Without it the pairs are widened.
  func pairMultiplyAdd(_ a: LLVMValue, _ b: LLVMValue, _ sum: LLVMValue) -> LLVMValue {
    let lanes = sum.type.laneCount
    if target.hasBFloat16Products, lanes == target.lanes(of: .f32) {
      let pairs = module.context.bfloat.vector(2 * lanes)
      return call("llvm.x86.avx512bf16.dpbf16ps.512", [], [sum, builder.bitCast(a, to: pairs), builder.bitCast(b, to: pairs)])
    }
    func elements(_ pairs: LLVMValue) -> (first: LLVMValue, second: LLVMValue) {
      let low = builder.shiftLeft(pairs, pairs.type.constant(16))
      let high = builder.and(pairs, pairs.type.constant(-1 << 16))
      return (builder.bitCast(low, to: sum.type), builder.bitCast(high, to: sum.type))
    }
    let (x, y) = (elements(a), elements(b))
    return multiplyAdd(x.second, y.second, multiplyAdd(x.first, y.first, sum))
  }
}

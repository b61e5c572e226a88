import HeedIR

/// Attention as people write it, with the choices that a fusion must see through.
///
/// A row without a live pair occurs only where its value is defined: where -inf is selected before a `softmax`.
extension RandomGraphBuilder {
  mutating func addAttention() throws {
    let element = float()
    let heads: [Extent] = pick([["B"], ["B", 2], []])
    let isCross = chance(0.3)
    let (rows, columns): (Extent, Extent) = ("S", isCross ? "T" : "S")
    let isPacked = heads.count == 2 && chance(0.5)
    let query = try headed(element, heads, rows, isPacked: isPacked, named: "q")
    let key = try headed(element, heads, columns, isPacked: isPacked, named: "k")
    let value = try headed(element, heads, columns, isPacked: isPacked, named: "v")
    let letters = Array("bh".prefix(heads.count))
    let scaleFirst = chance(0.3)
    let scaled = scaleFirst ? try emit(.multiply, [query, constant(0.5, element)], bound: 1) : query
    var scores = try emit(
      .contract, [scaled, key],
      attributes: [subscripts(letters + "id", letters + "jd", letters + "ij")], bound: 16)
    if !scaleFirst, chance(0.8) {
      let isDivided = chance(0.4)
      scores = try emit(isDivided ? .divide : .multiply, [scores, constant(isDivided ? 2 : 0.5, element)], bound: 8)
    }
    if chance(0.3) {
      let bias = argument(element, [rows, columns], named: "bias")
      let spread = try emit(
        .broadcast, [bias], attributes: [Attribute(.dims, [heads.count, heads.count + 1])], stated: scores.type, bound: 2)
      scores = try emit(.add, [scores, spread], bound: 18)
    }
    let weights = try weights(scores, heads.count)
    let out = try emit(
      .contract, [weights, value], attributes: [subscripts(letters + "ij", letters + "jd", letters + "id")], bound: 4)
    if isPacked, chance(0.6) {
      let turned = try emit(.transpose, [out], attributes: [Attribute(.permutation, [0, 2, 1, 3])], bound: 4)
      try emit(.reshape, [turned], stated: TensorType(element, ["B", rows, 8]), bound: 4)
    }
  }

  private func subscripts(_ left: [Character], _ right: [Character], _ result: [Character]) -> Attribute {
    Attribute(.subscripts, ContractSubscripts(left: left, right: right, result: result))
  }

  /// `[heads..., rows, 4]`: an argument, or one of `[B, rows, 8]` split into heads.
  private mutating func headed(_ element: ElementType, _ heads: [Extent], _ rows: Extent, isPacked: Bool, named name: String) throws
    -> Value
  {
    guard isPacked else { return argument(element, heads + [rows, 4], named: name) }
    let packed = argument(element, ["B", rows, 8], named: name)
    let split = try emit(.reshape, [packed], stated: TensorType(element, ["B", rows, 2, 4]), bound: 2, isExact: true)
    return try emit(.transpose, [split], attributes: [Attribute(.permutation, [0, 2, 1, 3])], bound: 2, isExact: true)
  }

  /// Softmax of the scores over the live pairs, in one of its spellings.
  private mutating func weights(_ scores: Value, _ row: Int) throws -> Value {
    let (element, column) = (scores.type.element, row + 1)
    let live = chance(0.75) ? try live(scores.type, row) : nil
    var masked = scores
    var multiplied: Value?
    if let live {
      switch pick(0..<(live.hasDeadRows ? 1 : 4)) {
      case 0: masked = try emit(.select, [live.mask, scores, constant(-.infinity, element)], bound: .infinity)
      case 1: masked = try emit(.select, [live.mask, scores, constant(-30000, element)], bound: .infinity)
      case 2:
        let zero = try constant(0, element)
        let penalty = try emit(.select, [live.mask, zero, constant(-.infinity, element)], bound: .infinity)
        masked = try emit(.add, [scores, penalty], bound: .infinity)
      default:
        multiplied = try emit(.convert, [live.mask], stated: TensorType(element, scores.type.shape), bound: 1)
      }
    }
    if multiplied == nil, live?.hasDeadRows == true || chance(0.6) {
      return try emit(.softmax, [masked], attributes: [Attribute(.dim, column)], bound: 1)
    }
    // Written out.
    let small =
      try chance(0.6) ? emit(.subtract, [masked, spread(reduced(masked, .maximum, column), row)], bound: .infinity) : masked
    var weights = try emit(.exp, [small], bound: 1e8)
    if let multiplied { weights = try emit(.multiply, [weights, multiplied], bound: 1e8) }
    let sum = try spread(reduced(weights, .add, column), row)
    return try emit(.divide, [weights, sum], bound: 1)
  }

  private mutating func reduced(_ value: Value, _ kind: Reduction, _ dim: Int) throws -> Value {
    try emit(.reduce, [value], attributes: [Attribute(.dims, [dim]), Attribute(.kind, kind)], bound: value.bound * 50)
  }

  /// A value per row repeated over the columns.
  private mutating func spread(_ value: Value, _ row: Int) throws -> Value {
    // The shape of the scores is that of the last value with one more dimension.
    let scores = values.last {
      $0.type.rank == value.type.rank + 1 && $0.type.shape.extents.dropLast() == value.type.shape.extents[...]
    }!
    return try emit(
      .broadcast, [value], attributes: [Attribute(.dims, Array(0...row))],
      stated: TensorType(value.type.element, scores.type.shape),
      bound: value.bound)
  }

  private mutating func live(_ type: TensorType, _ row: Int) throws -> (mask: Value, hasDeadRows: Bool) {
    let index: ElementType = pick([.i32, .i64])
    if chance(0.25) {
      // Any pairs: some rows may have none.
      let mask = argument(.bool, Array(type.shape.extents.suffix(2)), named: "mask")
      let mapped = try emit(
        .broadcast, [mask], attributes: [Attribute(.dims, [row, row + 1])], stated: TensorType(.bool, type.shape))
      return (mapped, true)
    }
    let i = try emit(.iota, [], attributes: [Attribute(.dim, row)], stated: TensorType(index, type.shape))
    let j = try emit(.iota, [], attributes: [Attribute(.dim, row + 1)], stated: TensorType(index, type.shape))
    switch pick(0..<3) {
    case 0: return (try emit(.lessEqual, [j, i]), false)
    case 1:
      // A window that holds column 0 for every row, so that no row is dead.
      let near = try emit(.less, [emit(.subtract, [i, j]), constant(2, index)])
      let first = try emit(.equal, [j, constant(0, index)])
      return (try emit(.or, [near, first]), false)
    default:
      let four = try constant(4, index)
      let same = try emit(.equal, [emit(.divide, [i, four]), emit(.divide, [j, four])])
      let first = try emit(.equal, [j, constant(0, index)])
      return (try emit(.or, [same, first]), false)
    }
  }
}

import HeedIR

extension RandomGraphBuilder {
  /// Reductions, scans and composites.
  mutating func addReduction() throws {
    guard let operand = pick(where: { $0.type.rank >= 1 && $0.type.element != .bool }) else { return }
    let rank = operand.type.rank
    let isFloat = operand.type.element.isFloat
    // Extents are at most 16 or so in the bindings.
    switch Int.random(in: 0..<10, using: &numbers) {
    case 0, 1:
      let kind: Reduction = pick(isFloat ? [.add, .maximum, .minimum] : [.add, .maximum, .minimum, .multiply, .and, .or])
      let dims = (0..<rank).filter { _ in chance(0.5) }
      let value = kind == .add ? try tamed(operand, to: 10) : operand
      // Without elements a minimum is infinite: not then.
      guard value.type.shape.extents.allSatisfy({ ($0.constant ?? 1) > 0 }) else { return }
      try emit(
        .reduce, [value], attributes: [Attribute(.dims, dims), Attribute(.kind, kind)], bound: value.bound * 1000,
        isExact: value.isExact && kind != .add)
    case 2:
      let kind: Reduction = pick(isFloat ? [.add, .maximum] : [.add, .minimum, .or])
      // An exclusive maximum begins with an infinity.
      let isExclusive = kind == .add && chance(0.4)
      let value = kind == .add ? try tamed(operand, to: 10) : operand
      var attributes = [Attribute(.dim, pick(0..<rank)), Attribute(.kind, kind)]
      if isExclusive { attributes.append(Attribute(.exclusive, true)) }
      if chance(0.4) { attributes.append(Attribute(.reverse, true)) }
      try emit(.scan, [value], attributes: attributes, bound: value.bound * 1000, isExact: value.isExact && kind != .add)
    case 3:
      guard
        let operand = pick(where: { $0.isExact && $0.type.rank >= 1 && $0.type.shape.extents.last == 4 && $0.type.element != .bool }
        )
      else {
        return
      }
      if chance(0.4) {
        let attributes = chance(0.5) ? [Attribute(.descending, true)] : []
        try emit(.sort, [operand], attributes: attributes, bound: operand.bound, isExact: true)
      } else {
        try emit(.topK, [operand], attributes: [Attribute(.count, pick(1...4))], bound: operand.bound, isExact: true)
      }
    case 9: try addLoop(operand)
    case 4:
      guard isFloat else { return }
      let (value, number) = (try tamed(operand, to: 50), pick(0..<rank))
      let dim = Attribute(.dim, number)
      // Without elements a logarithm is infinite: not then.
      if value.type.shape.extents.allSatisfy({ ($0.constant ?? 1) > 0 }), chance(0.3) {
        try emit(number == 0 ? .logSumExp : .relativeLogSumExp, [value], attributes: [dim], bound: 100)
      } else {
        try emit(.softmax, [value], attributes: [dim], bound: 1)
      }
    case 5, 6: try addNormalization(operand)
    case 7:
      guard isFloat, rank >= 2 else { return }
      let (key, value) = (
        argument(operand.type.element, operand.type.shape.extents, named: "k"),
        argument(operand.type.element, operand.type.shape.extents, named: "v")
      )
      let query = try tamed(operand, to: 10)
      try emit(.linearAttention, [query, key, value], bound: query.bound * 1000)
    default:
      guard isFloat, rank >= 2, let half = operand.type.shape[rank - 1].dividedExactly(by: 2), half != 0 else { return }
      let table = [operand.type.shape[rank - 2], half]
      let (cos, sin) = (argument(operand.type.element, table, named: "cos"), argument(operand.type.element, table, named: "sin"))
      let value = try tamed(operand, to: 100)
      try emit(
        .rotary, [value, cos, sin], attributes: chance(0.5) ? [Attribute(.interleaved, true)] : [], bound: value.bound * 4)
    }
  }

  private mutating func addNormalization(_ operand: Value) throws {
    guard operand.type.element.isFloat, let last = operand.type.shape.extents.last else { return }
    let scale = argument(operand.type.element, [last], named: "scale")
    let value = try tamed(operand, to: 100)
    let epsilon = Attribute(.epsilon, Literal(0.01))
    if chance(0.2), let other = pick(where: { $0.type == value.type }) {
      let attributes = chance(0.5) ? [epsilon, Attribute(.centered, true)] : [epsilon]
      try emit(.normGradient, [value, scale, tamed(other, to: 100)], attributes: attributes, bound: 1e5)
    } else if chance(0.5) {
      let bias = argument(operand.type.element, [last], named: "bias")
      try emit(.layerNorm, [value, scale, bias], attributes: [epsilon], bound: 20)
    } else {
      try emit(.rmsNorm, [value, scale], attributes: [epsilon], bound: 20)
    }
  }

  /// A product with a new weight or with another value.
  mutating func addProduct() throws {
    guard let operand = pick(where: { $0.type.element.isFloat && (1...3).contains($0.type.rank) }) else { return }
    let left = try tamed(operand, to: 10)
    let letters = Array("abc".prefix(left.type.rank))
    let last = left.type.shape.extents.last!
    let right: Value
    let subscripts: ContractSubscripts
    if chance(0.3), left.type.rank >= 2 {
      // Rows against rows: a score matrix.
      let other = try pick(where: { $0.type == left.type }).map { try tamed($0, to: 10) } ?? left
      let (batch, row, inner) = (letters.dropLast(2), letters[letters.count - 2], letters[letters.count - 1])
      (right, subscripts) = (other, ContractSubscripts(left: letters, right: batch + ["z", inner], result: batch + [row, "z"]))
    } else {
      let width: Extent = pick([4, "T", 8])
      right = argument(left.type.element, chance(0.5) ? [last, width] : [width, last], named: "w")
      let weights: [Character] =
        right.type.shape[0] == last && (right.type.shape[1] != last || chance(0.5)) ? [letters.last!, "z"] : ["z", letters.last!]
      subscripts = ContractSubscripts(left: letters, right: weights, result: letters.dropLast() + ["z"])
    }
    try emit(
      .contract, [left, right], attributes: [Attribute(.subscripts, subscripts)],
      bound: left.bound * right.bound * 50)
  }

  /// Rows picked by number, rows added by number, segments.
  mutating func addIndexing() throws {
    switch Int.random(in: 0..<4, using: &numbers) {
    case 0:
      // The indices are below 6, and an index outside would give NaN.
      let table = argument(float(), pick([[8, 4], [6], ["S + 6", 4]] as [[Extent]]), named: "table")
      let indices = argument(pick([.i32, .i64]), pick([["S"], ["B", "S"], []]), named: "ids")
      try emit(.gather, [table, indices], attributes: [Attribute(.dim, 0)], bound: 2, isExact: true)
    case 1:
      let element = float()
      let base = argument(element, [8, "S"], named: "base")
      let indices = argument(.i32, ["T"], named: "ids")
      let updates = argument(element, ["T", "S"], named: "updates")
      try emit(chance(0.5) ? .scatterAdd : .scatter, [base, indices, updates], attributes: [Attribute(.dim, 0)], bound: 50)
    default:
      let rows = argument(float(), pick([["T"], ["T", 4]]), named: "rows")
      let starts = argument(pick([.i32, .i64]), ["B + 1"], named: "offsets")
      offsets[graph.name(starts.id)] = "T"
      values.removeAll { $0.id == starts.id }
      if chance(0.5) {
        try emit(.segmentIDs, [starts], stated: TensorType(pick([.i32, .i64]), ["T"]))
      } else if rows.type.rank == 2, chance(0.4) {
        let matrices = argument(rows.type.element, ["B", 4, 3], named: "matrices")
        try emit(.segmentMatmul, [rows, matrices, starts], bound: 50)
      } else if chance(0.3) {
        // The greatest element of an empty segment is -inf.
        try emit(.segmentMax, [rows, starts], bound: .infinity, isExact: true)
      } else {
        try emit(.segmentSum, [rows, starts], bound: 50)
      }
    }
  }
}

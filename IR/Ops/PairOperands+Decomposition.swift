/// An op on pairs as plain ops on tensors `[batch..., M, N]`.
struct DecomposedPairs {
  private let shape: Shape
  private let live: ValueID
  /// What the first region yields, also where the pair is dead.
  private let yields: [ValueID]
  private let operands: [ValueID]

  private var batch: Int { shape.rank - 2 }

  init(_ context: inout Decomposition) throws {
    let pairs = PairOperands(context.attributes)
    (shape, operands) = (Shape(pairs.extents), context.operands)
    let region = context.regions[0]
    var products: [ValueID] = []
    for (number, (row, column)) in pairs.products.enumerated() {
      let element = region.parameters[number].type
      products.append(
        try context.emit(
          .contract, context.widened(context.operands[row], to: element), context.widened(context.operands[column], to: element),
          attributes: DecomposedScores.subscripts(shape.rank - 2, "id", "jd", "ij")))
    }
    yields = try DecomposedScores.applyAll(region, leading: products, operands, shape, &context)
    live = try DecomposedScores.apply(context.regions[1], leading: [], operands, shape, &context)
  }

  /// The weight of this number; 0 where the pair is dead. A weight of 0 is selected too, so that it hides what it weighs.
  private func weight(_ number: Int, _ context: inout Decomposition) throws -> ValueID {
    let weight = yields[number]
    let zero = try context.constant(0, context.type(weight).element)
    let counts = try context.emit(.and, live, context.emit(.notEqual, weight, zero))
    return try context.emit(.select, counts, weight, zero)
  }

  /// A sum over the pairs of each query or key.
  func sum(_ sum: PairOperands.Sum, _ context: inout Decomposition) throws -> ValueID {
    let weight = try weight(sum.weight, &context)
    guard let operand = sum.operand else { return try context.reduce(weight, .add, dim: sum.isOfRow ? batch + 1 : batch) }
    let weighed = try context.widened(operands[operand], to: context.type(weight).element)
    let subscripts =
      sum.isOfRow ? DecomposedScores.subscripts(batch, "ij", "je", "ie") : DecomposedScores.subscripts(batch, "ij", "ie", "je")
    return try context.emit(.contract, weight, weighed, attributes: subscripts)
  }

  /// The number of each pair, added to the element of a tensor of type `type` at the indices beside it.
  func scattered(to type: TensorType, _ context: inout Decomposition) throws -> ValueID {
    var position = try context.widened(
      context.literal(Literal(0), .i64), to: .i64)
    var isInside = live
    for (index, extent) in zip(yields.dropFirst(), type.shape.extents) {
      let wide = try context.widened(index, to: .i64)
      let count = try context.emit(
        .extent, attributes: [Attribute(.extentValue, [extent])], stated: TensorType(.i64, .scalar))
      position = try context.emit(.add, context.emit(.multiply, position, count), wide)
      let zero = try context.literal(Literal(0), .i64)
      isInside = try context.emit(
        .and, isInside, context.emit(.and, context.emit(.lessEqual, zero, wide), context.emit(.less, wide, count)))
    }
    let outside = try context.literal(Literal(-1), .i64)
    let target = try context.emit(.select, isInside, position, outside)
    let flat = Shape([shape.count])
    let element = context.type(yields[0]).element
    let zero = try context.constant(0, element)
    let base = try context.broadcast(zero, to: [type.shape.count], dims: [])
    let sums = try context.emit(
      .scatterAdd, base, context.emit(.reshape, target, stated: TensorType(.i64, flat)),
      context.emit(.reshape, yields[0], stated: TensorType(element, flat)), attributes: [Attribute(.dim, 0)])
    return try context.widened(context.emit(.reshape, sums, stated: TensorType(element, type.shape)), to: type.element)
  }
}

import HeedIR

extension RandomGraphBuilder {
  /// Sources and views: nothing is computed.
  mutating func addArrangement() throws {
    switch Int.random(in: 0..<9, using: &numbers) {
    case 0:
      let shape: Shape = pick([["S", 4], ["B", "S"], ["S", "T"]])
      try emit(.iota, [], attributes: [Attribute(.dim, pick(0..<shape.rank))], stated: TensorType(pick([.i32, .i64]), shape))
    case 1:
      let extent: Extent = pick(["S", "B*S + 1", "ceil(T/2)"])
      let type = TensorType(pick([float(), .i32, .i64]), .scalar)
      try emit(.extent, [], attributes: [Attribute(.extentValue, [extent])], stated: type, bound: 50, isExact: true)
    case 2: try addConstant()
    case 3: try addBroadcast()
    case 4: try addReshape()
    case 5:
      guard let operand = pick(where: { $0.type.rank >= 2 }) else { return }
      try emit(
        .transpose, [operand], attributes: [Attribute(.permutation, Array(0..<operand.type.rank).shuffled(using: &numbers))],
        bound: operand.bound, isExact: operand.isExact)
    case 6: try addSlice()
    case 7:
      guard let operand = pick(where: { $0.type.rank >= 1 }) else { return }
      let others = values.filter { $0.type == operand.type }
      let operands = (0..<pick([1, 2, 3])).map { _ in pick(others) }
      try emit(
        .concatenate, operands, attributes: [Attribute(.dim, pick(0..<operand.type.rank))], bound: operands.map(\.bound).max()!,
        isExact: operands.allSatisfy(\.isExact))
    default:
      guard let operand = pick(where: { $0.type.rank >= 1 && $0.type.element != .bool }) else { return }
      let extents = { (builder: inout Self) in
        operand.type.shape.extents.map { _ in builder.pick([0, 0, 1, "B"] as [Extent]) }
      }
      let number = operand.type.element.isFloat ? Literal(0.5) : Literal(1)
      try emit(
        .pad, [operand],
        attributes: [
          Attribute(.low, extents(&self)), Attribute(.high, extents(&self)),
          Attribute(.padValue, number),
        ],
        bound: max(operand.bound, 0.5), isExact: operand.isExact)
    }
  }

  private mutating func addConstant() throws {
    let element = pick([float(), .i32, .bool])
    let shape: [Int] = pick([[3], [2, 2], [0], []])
    let literals = (0..<shape.reduce(1, *)).map { _ in
      element.isFloat ? Literal(element.round(pick([0.1, -0.0, 1e-3, 3]))) : Literal(pick(0...1))
    }
    try emit(
      .constant, [], attributes: [Attribute(.constantValue, literals)],
      stated: TensorType(element, Shape(shape.map { Extent($0) })), bound: 3, isExact: true)
  }

  private mutating func addBroadcast() throws {
    guard let operand = pick(where: { $0.type.rank <= 2 }) else { return }
    var extents = operand.type.shape.extents
    var dims = Array(0..<operand.type.rank)
    for _ in 0..<pick(1...2) {
      let place = pick(0...extents.count)
      extents.insert(pick(["B", "S", 2, 4] as [Extent]), at: place)
      dims = dims.map { $0 >= place ? $0 + 1 : $0 }
    }
    try emit(
      .broadcast, [operand], attributes: [Attribute(.dims, dims)], stated: TensorType(operand.type.element, Shape(extents)),
      bound: operand.bound, isExact: operand.isExact)
  }

  private mutating func addReshape() throws {
    guard let operand = pick(where: { $0.type.rank <= 4 }) else { return }
    var extents = operand.type.shape.extents
    // Two neighbours become one, an even extent becomes two, or a 1 comes in.
    if extents.count >= 2, chance(0.5) {
      let place = pick(0..<(extents.count - 1))
      extents.replaceSubrange(place...(place + 1), with: [extents[place] * extents[place + 1]])
    } else if let place = extents.firstIndex(where: { ($0.dividedExactly(by: 2)?.terms.isEmpty ?? true) == false }), chance(0.7) {
      extents.replaceSubrange(place...place, with: [2, extents[place].dividedExactly(by: 2)!])
    } else {
      extents.insert(1, at: pick(0...extents.count))
    }
    try emit(
      .reshape, [operand], stated: TensorType(operand.type.element, Shape(extents)), bound: operand.bound, isExact: operand.isExact)
  }

  private mutating func addSlice() throws {
    // Every symbol is at least 1: an extent that is a symbol can lose nothing but can be cut to 1.
    guard let operand = pick(where: { $0.type.rank >= 1 }) else { return }
    var (start, stop, step): ([Extent], [Extent], [Int]) = ([], [], [])
    for extent in operand.type.shape.extents {
      if let count = extent.constant {
        let from = Int.random(in: 0...count, using: &numbers)
        start.append(Extent(from))
        stop.append(Extent(Int.random(in: from...count, using: &numbers)))
      } else {
        start.append(0)
        stop.append(extent.symbol != nil && chance(0.2) ? 1 : extent)
      }
      step.append(pick([1, 1, 2]))
    }
    var attributes = [Attribute(.start, start), Attribute(.stop, stop)]
    if step.contains(2) { attributes.append(Attribute(.step, step)) }
    try emit(.slice, [operand], attributes: attributes, bound: operand.bound, isExact: operand.isExact)
  }
}

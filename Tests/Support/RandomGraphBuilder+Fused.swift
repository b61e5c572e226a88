import HeedIR

extension RandomGraphBuilder {
  /// `map`, `linear` or `attention` with random regions.
  mutating func addFused() throws {
    switch Int.random(in: 0..<3, using: &numbers) {
    case 0:
      guard let first = pick(where: { $0.type.element.isFloat }) else { return }
      var operands = [try tamed(first, to: 10)]
      for _ in 0..<pick(0...2) {
        // Of the shape of those that are not numbers.
        operands.append(try tamed(partner(of: operands.first { $0.type.rank > 0 } ?? first), to: 10))
      }
      var region = ScalarFunction(parameters: operands.enumerated().map { parameter("x\($0)", $1.type.element) })
      region.results = [try extend(&region, from: region.parameter(0))]
      try emit(.map, operands, regions: [region], bound: 1000)
    case 1:
      guard let operand = pick(where: { $0.type.element.isFloat && $0.type.rank == 2 }) else { return }
      let left = try tamed(operand, to: 10)
      let right = argument(left.type.element, [left.type.shape[1], 4], named: "w")
      var extras: [Value] = []
      if chance(0.6) { extras.append(argument(left.type.element, [left.type.shape[0], 4], named: "residual")) }
      if chance(0.4) { extras.append(try constant(0.5, left.type.element)) }
      var region = ScalarFunction(
        parameters: ([left, right].prefix(1) + extras).enumerated().map { parameter("e\($0)", $1.type.element) })
      region.results = [try extend(&region, from: region.parameter(0))]
      var attributes = [Attribute(.subscripts, try ContractSubscripts("sd,de->se"))]
      if chance(0.3) { attributes.append(Attribute(.tile, [96, 48])) }
      try emit(.linear, [left, right] + extras, attributes: attributes, regions: [region], bound: 1e5)
    default: try addFusedAttention()
    }
  }

  private mutating func parameter(_ name: String, _ type: ElementType) -> ScalarFunction.Parameter {
    ScalarFunction.Parameter(chance(0.9) ? Name(name) : .none, type)
  }

  /// A few smooth ops from `value` on, the other float parameters among their operands.
  private mutating func extend(_ region: inout ScalarFunction, from value: ScalarValue) throws -> ScalarValue {
    var value = value
    let type = region.type(value)
    for position in 0..<pick(0...4) {
      let others = region.parameters.indices.filter { region.parameters[$0].type == type }.map { ScalarValue($0) }
      let other = chance(0.5) || others.isEmpty ? region.constant(Literal(pick([0.5, 1, 0.125, -0.25])), type) : pick(others)
      let name: Name = chance(0.3) ? Name("t\(position)") : .none
      switch pick(0..<6) {
      case 0: value = try region.append(.add, [value, other], name: name)
      case 1: value = try region.append(.multiply, [value, region.constant(Literal(0.5), type)], name: name)
      case 2: value = try region.append(.maximum, [value, other], name: name)
      case 3: value = try region.append(.tanh, [value], name: name)
      case 4: value = try region.append(.sigmoid, [value], name: name)
      default: value = try region.append(.subtract, [other, value], name: name)
      }
    }
    return value
  }

  private mutating func addFusedAttention() throws {
    let element = float()
    let batch: [Extent] = pick([[], ["B"], ["B", 2]])
    let isCross = chance(0.4)
    let query = argument(element, batch + ["S", 4], named: "q")
    let key = argument(element, batch + [isCross ? "T" : "S", 4], named: "k")
    let value = argument(element, batch + [isCross ? "T" : "S", 3], named: "v")
    var captured: [Value] = []
    if chance(0.5) { captured.append(argument(element, ["S", isCross ? "T" : "S"], named: "bias")) }
    let index: ElementType = pick([.i32, .i64])
    let indices = batch.indices.map { parameter("b\($0)", index) } + [parameter("i", index), parameter("j", index)]
    let tables = captured.map { ScalarFunction.Table(graph.name($0.id), $0.type) }
    var score = ScalarFunction(parameters: [parameter("s", element)] + indices, tables: tables)
    var sum = try score.append(.multiply, [score.parameter(0), score.constant(Literal(0.125), element)])
    let (i, j) = (batch.count, batch.count + 1)
    if !captured.isEmpty {
      let bias = try score.element(ofTable: 0, [score.parameter(1 + i), score.parameter(1 + j)])
      sum = try score.append(.add, [sum, bias])
    }
    score.results = [try extend(&score, from: sum)]
    var live = ScalarFunction(parameters: indices, tables: tables)
    switch pick(0..<4) {
    case 0: live.results = [live.constant(Literal(true), .bool)]
    case 2:
      let past = Extent(symbol: isCross ? "T" : "S") - Extent(symbol: "S") + 1
      let end = live.append(.init(.extent(past), operands: [], type: index))
      live.results = [try live.append(.less, [live.parameter(j), live.append(.add, [live.parameter(i), end])])]
    case 1: live.results = [try live.append(.lessEqual, [live.parameter(j), live.parameter(i)])]
    default:
      let shifted = try live.append(.add, [live.parameter(j), live.constant(Literal(2), index)])
      live.results = [try live.append(.greater, [shifted, live.parameter(i)], name: "near")]
    }
    var attributes: [Attribute] = []
    if chance(0.2) { attributes.append(Attribute(.tile, [8, 16])) }
    if !isCross, batch.isEmpty, chance(0.4) {
      let starts = argument(.i32, ["B + 1"], named: "offsets")
      offsets[graph.name(starts.id)] = "S"
      values.removeAll { $0.id == starts.id }
      attributes.append(Attribute(.ragged, CapturedOperand(captured.count)))
      captured.append(starts)
      let table = ScalarFunction.Table(graph.name(starts.id), starts.type)
      score.tables.append(table)
      live.tables.append(table)
    }
    if Attributes(attributes)[.ragged] == nil, chance(0.3) {
      let rows = argument(element.byteCount == 2 ? .f32 : element, batch + ["S"], named: "lse")
      if chance(0.5) {
        var number = ScalarFunction(parameters: [parameter("p", rows.type.element)] + indices, tables: tables)
        number.results = [number.parameter(0)]
        let block = Attribute(.block, [pick([0, 1, 3]), pick([0, 1, 5])])
        try emit(
          .attentionReduce, [query, key, rows] + captured, attributes: [block, Attribute(.kind, .add)],
          regions: [score, live, number], bound: .infinity)
        values.removeLast()
      } else {
        try emit(
          .attentionTopK, [query, key, rows] + captured, attributes: [Attribute(.count, 1)], regions: [score, live],
          bound: .infinity
        )
        values.removeLast(2)
      }
      return
    }
    var regions = [score, live]
    if chance(0.3) {
      var factor = ScalarFunction(parameters: indices, tables: live.tables)
      let isEven = try factor.append(
        .equal,
        [factor.append(.remainder, [factor.parameter(j), factor.constant(Literal(2), index)]), factor.constant(Literal(0), index)])
      let (kept, dropped) = (factor.constant(Literal(0.5), element), factor.constant(Literal(0.0), element))
      factor.results = [try factor.append(.select, [isEven, kept, dropped])]
      regions.append(factor)
    }
    try emit(.attention, [query, key, value] + captured, attributes: attributes, regions: regions, bound: 2)
  }
}

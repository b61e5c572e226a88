import HeedIR

/// What is proved of a tensor of integers of 32 or 64 bits: numbers that none of its elements is below or above. Narrower ones wrap.
struct IndexBounds {
  private(set) var lows: [Extent] = []
  private(set) var highs: [Extent] = []

  /// Expressions are followed this far.
  private static let greatestDepth = 24

  private init() {}

  private init(_ lows: [Extent], _ highs: [Extent]) { (self.lows, self.highs) = (Array(lows.prefix(4)), Array(highs.prefix(4))) }

  init(_ value: ValueID, in graph: Graph) {
    var known: [ValueID: IndexBounds] = [:]
    self.init(value, graph, &known, depth: 0)
  }

  private init(_ value: ValueID, _ graph: Graph, _ known: inout [ValueID: IndexBounds], depth: Int) {
    self.init()
    if let bounds = known[value] {
      self = bounds
      return
    }
    defer { known[value] = self }
    guard depth < Self.greatestDepth, [.i32, .i64].contains(graph.type(value).element), let node = graph.definingNode(value) else {
      return
    }
    if let constant = graph.uniformConstant(value) {
      guard let number = Int(exactly: constant.integer) else { return }
      self = IndexBounds([Extent(number)], [Extent(number)])
      return
    }
    let (op, inputs) = (graph.op(node), graph.inputs(node))
    func bounds(_ position: Int) -> IndexBounds { IndexBounds(inputs[position], graph, &known, depth: depth + 1) }
    switch op {
    case .iota: self = IndexBounds([0], [graph.type(value).shape[graph.attributes(node).required(.dim)] - 1])
    case .extent:
      let extent = graph.attributes(node).required(.extentValue)[0]
      self = IndexBounds([extent], [extent])
    case .broadcast, .reshape, .transpose, .slice: self = bounds(0)
    case .convert where graph.type(inputs[0]).element == .i32: self = bounds(0)
    case .add:
      let (a, b) = (bounds(0), bounds(1))
      self = IndexBounds(Self.pairs(a.lows, b.lows, +), Self.pairs(a.highs, b.highs, +))
    case .subtract:
      let (a, b) = (bounds(0), bounds(1))
      self = IndexBounds(Self.pairs(a.lows, b.highs, -), Self.pairs(a.highs, b.lows, -))
    case .multiply:
      let (a, b) = (bounds(0), bounds(1))
      guard a.isNeverNegative, b.isNeverNegative else { return }
      self = IndexBounds([0], Self.pairs(a.highs, b.highs, *))
    case .minimum:
      let (a, b) = (bounds(0), bounds(1))
      self = IndexBounds(Self.common(a.lows, b.lows) { $0.isAtMost($1) }, a.highs + b.highs)
    case .maximum:
      let (a, b) = (bounds(0), bounds(1))
      self = IndexBounds(a.lows + b.lows, Self.common(a.highs, b.highs) { $1.isAtMost($0) })
    case .select:
      var branches = [bounds(1), bounds(2)]
      if let comparison = graph.definingNode(inputs[0]), let order = Self.orders[graph.op(comparison)] {
        let sides = graph.inputs(comparison)
        for (branch, holds) in [(0, true), (1, false)] {
          for side in [0, 1] where sides[side] == inputs[branch + 1] {
            let other = IndexBounds(sides[1 - side], graph, &known, depth: depth + 1)
            branches[branch].refine(isLess: order.isLess == (holds == (side == 0)), isStrict: order.isStrict == holds, other)
          }
        }
      }
      let (a, b) = (branches[0], branches[1])
      self = IndexBounds(Self.common(a.lows, b.lows) { $0.isAtMost($1) }, Self.common(a.highs, b.highs) { $1.isAtMost($0) })
    case .remainder:
      guard let divisor = bounds(1).lows.first, divisor.isPositiveWhereSymbolsAre else { return }
      self = IndexBounds([0], bounds(1).highs.map { $0 - 1 })
    default: return
    }
  }

  /// Whether a comparison says that the left side is less, and whether it excludes that they are equal.
  private static let orders: [Op: (isLess: Bool, isStrict: Bool)] = [
    .less: (true, true), .lessEqual: (true, false), .greater: (false, true), .greaterEqual: (false, false),
  ]

  /// Takes what a comparison with something of the bounds `other` says.
  private mutating func refine(isLess: Bool, isStrict: Bool, _ other: IndexBounds) {
    if isLess {
      highs = Array((other.highs.map { isStrict ? $0 - 1 : $0 } + highs).prefix(4))
    } else {
      lows = Array((other.lows.map { isStrict ? $0 + 1 : $0 } + lows).prefix(4))
    }
  }

  /// Whether no number is below 0 where no dimension is empty.
  var isNeverNegative: Bool { lows.contains { $0.isNeverNegative || $0.isPositiveWhereSymbolsAre } }

  /// Whether every number is at least 0 and below `extent`.
  func areInside(_ extent: Extent, facts: [Fact]) -> Bool {
    isNeverNegative && highs.contains { $0.isAtMost(extent - 1) || ($0 + 1).isEqual(to: extent, given: facts) }
  }

  private static func pairs(_ a: [Extent], _ b: [Extent], _ combine: (Extent, Extent) -> Extent) -> [Extent] {
    a.flatMap { left in b.map { combine(left, $0) } }
  }

  /// The bounds of each side that hold for the other as well.
  private static func common(_ a: [Extent], _ b: [Extent], _ holds: (Extent, Extent) -> Bool) -> [Extent] {
    a.filter { own in b.contains { holds(own, $0) } } + b.filter { own in a.contains { holds(own, $0) } }
  }
}

extension Extent {
  /// Whether this is proved to be at most `other`.
  fileprivate func isAtMost(_ other: Extent) -> Bool { (other - self).isNeverNegative }
}

extension Graph {
  /// Whether every element of `value` is an index into a dimension of this extent.
  func areInside(_ value: ValueID, _ extent: Extent) -> Bool { IndexBounds(value, in: self).areInside(extent, facts: facts) }

  /// The parts of indices that are written as `a * width + b`, with b below the width.
  func digits(_ value: ValueID, width: Extent) -> (leading: ValueID, last: ValueID)? {
    guard let terms = match(value, .add) else { return nil }
    for (product, last) in [(terms[0], terms[1]), (terms[1], terms[0])] {
      guard let factors = match(product, .multiply), areInside(last, width) else { continue }
      for (leading, factor) in [(factors[0], factors[1]), (factors[1], factors[0])] {
        let bounds = IndexBounds(factor, in: self)
        if bounds.lows.contains(width), bounds.highs.contains(width) { return (leading, last) }
      }
    }
    return nil
  }
}

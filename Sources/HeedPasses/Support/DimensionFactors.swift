import HeedIR

/// The factors of dimensions: what reshapes split dimensions into and merge again.
///
/// A shape is a list of groups of factors, a group for each dimension, which is empty where the extent is 1. A reshape regroups the same
/// factors in the same order; where it splits one of them, the parts take its place in all groups.
struct DimensionFactors {
  /// The number of a factor.
  typealias Factor = Int

  let facts: [Fact]
  private var extents: [Extent] = []
  private var parts: [Factor: [Factor]] = [:]

  init(facts: [Fact]) { self.facts = facts }

  /// A new factor.
  mutating func factor(_ extent: Extent) -> Factor {
    extents.append(extent)
    return extents.count - 1
  }

  /// A group for a dimension of its own.
  mutating func group(_ extent: Extent) -> [Factor] { extent == 1 ? [] : [factor(extent)] }

  /// The group with each factor that was split replaced by its parts.
  func split(_ group: [Factor]) -> [Factor] { group.flatMap { parts[$0].map(split) ?? [$0] } }

  /// The number of places of a group.
  func extent(_ group: [Factor]) -> Extent { split(group).reduce(1) { $0 * extents[$1] } }

  /// The groups of a tensor with these groups, reshaped to the extents `to`. Nil where the two shapes have no
  /// common factors.
  mutating func reshaped(_ groups: [[Factor]], to: [Extent]) -> [[Factor]]? {
    let all = groups.flatMap(split)
    let targets = to.indices.filter { to[$0] != 1 }
    guard let runs = ReshapeRuns(from: all.map { extents[$0] }, to: targets.map { to[$0] }, facts: facts)?.runs else { return nil }
    var result = to.map { _ in [Factor]() }
    for run in runs {
      let dimensions = run.to.map { targets[$0] }
      if dimensions.count == 1 {
        result[dimensions[0]] = Array(all[run.from])
      } else if run.from.count == 1 {
        let pieces = dimensions.map { factor(to[$0]) }
        parts[all[run.from.lowerBound]] = pieces
        for (dimension, piece) in zip(dimensions, pieces) { result[dimension] = [piece] }
      } else {
        guard let groups = common(Array(all[run.from]), dimensions.map { to[$0] }) else { return nil }
        for (dimension, group) in zip(dimensions, groups) { result[dimension] = group }
      }
    }
    return result
  }

  /// The factors that dimensions of the factors `from` and dimensions of the extents `to` have in common, a group for each of the latter:
  /// 2, 4*M as 8, M are 2, 4 and M. Nil where there are none.
  private mutating func common(_ from: [Factor], _ to: [Extent]) -> [[Factor]]? {
    var (groups, pieces) = (to.map { _ in [Factor]() }, from.map { _ in [Factor]() })
    var (i, j) = (0, 0)
    var (left, right) = (extents[from[0]], to[0])
    while i < from.count, j < to.count {
      var (restLeft, restRight): (Extent?, Extent?) = (nil, nil)
      if !left.isEqual(to: right, given: facts) {
        restRight = right.quotient(by: left)
        if restRight == nil { restLeft = left.quotient(by: right) }
        guard restLeft != nil || restRight != nil else { return nil }
      }
      let piece = restLeft == nil && pieces[i].isEmpty ? from[i] : factor(restLeft == nil ? left : right)
      pieces[i].append(piece)
      groups[j].append(piece)
      if restLeft == nil { i += 1 }
      if restRight == nil { j += 1 }
      left = restLeft ?? (i < from.count ? extents[from[i]] : 1)
      right = restRight ?? (j < to.count ? to[j] : 1)
    }
    guard i == from.count, j == to.count else { return nil }
    for (factor, pieces) in zip(from, pieces) where pieces != [factor] { parts[factor] = pieces }
    return groups
  }

  /// The shape of these groups.
  func shape(_ groups: [[Factor]]) -> Shape { Shape(groups.map(extent)) }
}

extension Graph {
  /// Appends views that bring `value`, whose dimensions are the groups `from`, to the groups `to` of the same factors.
  mutating func regroup(
    _ value: ValueID, _ from: [[DimensionFactors.Factor]], as to: [[DimensionFactors.Factor]], _ factors: DimensionFactors,
    stated: TensorType? = nil
  ) throws -> ValueID {
    var value = value
    let element = type(value).element
    let (order, wanted) = (from.flatMap(factors.split), to.flatMap(factors.split))
    if order != wanted {
      let split = TensorType(element, factors.shape(order.map { [$0] }))
      value = try reshape(value, split)
      let permutation = wanted.map { order.firstIndex(of: $0)! }
      value = try appendResult(.transpose, [value], attributes: [Attribute(.permutation, permutation)])
    }
    let target = stated ?? TensorType(element, factors.shape(to))
    return try reshape(value, target)
  }

  /// `value` with the type `target`: a reshape of what it is a reshape of, or that value itself.
  mutating func reshape(_ value: ValueID, _ target: TensorType) throws -> ValueID {
    if type(value) == target { return value }
    var source = value
    while let inner = match(source, .reshape)?[0] { source = inner }
    return type(source) == target ? source : try appendResult(.reshape, [source], stated: target)
  }
}

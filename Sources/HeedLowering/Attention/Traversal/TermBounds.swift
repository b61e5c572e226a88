import HeedAnalysis
import HeedIR
import HeedSchedule

/// Where the bounds of a term of the mask lie: one element for each granule or tile, or scalars.
struct BoundPlaces {
  var low: Place
  var high: Place
}

/// The bounds of terms as they are read where the interval extension is asked, by the terms' numbers.
typealias TermPlaces = [Int: (places: BoundPlaces, indices: [IntegerExpression])]

/// The least and greatest values of the mask's terms: instructions that begin, extend and merge bounds.
extension PairKernel {
  var terms: [MaskTerm] { mask.terms }

  /// The numbers of the terms of one side.
  func termNumbers(_ side: MaskTerm.Side) -> [Int] { terms.indices.filter { terms[$0].side == side } }

  /// The value of a term, in the type of its bounds.
  func value(of term: MaskTerm, at indices: [IntegerExpression], in body: inout BodyBuilder) throws -> BodyValue {
    let value = inline(term.function, [], indices, in: &body)
    return body.type(value) == term.boundType ? value : body.apply(.convert, value, type: term.boundType)
  }

  /// Scratch tiles for bounds.
  func boundTiles(_ number: Int, _ name: String, _ count: Int) -> BoundPlaces {
    let type = terms[number].boundType
    return BoundPlaces(
      low: builder.tile(Name("\(name)\(number)_low"), type, [count]),
      high: builder.tile(Name("\(name)\(number)_high"), type, [count]))
  }

  /// Scalars for bounds, which have no indices.
  func boundScalars(_ number: Int, _ name: String) -> BoundPlaces {
    let type = terms[number].boundType
    return BoundPlaces(
      low: builder.scalar(Name("\(name)\(number)_low"), type).access.place,
      high: builder.scalar(Name("\(name)\(number)_high"), type).access.place)
  }

  /// The bounds of no value.
  private func emptyBounds(_ type: ElementType) -> [Literal] {
    type.isFloat ? [Literal(Double.infinity), Literal(-Double.infinity)] : [Literal(Int64.max), Literal(Int64.min)]
  }

  /// Bounds of nothing.
  func begin(_ type: ElementType, _ places: BoundPlaces, _ place: [IntegerExpression], in body: inout BodyBuilder) {
    for (end, target) in zip(emptyBounds(type), [places.low, places.high]) {
      body.store(body.constant(end, type), Access(target, place.map { Access.Index($0) }))
    }
  }

  /// Takes a term's value into its bounds; a NaN makes them infinite.
  func bound(
    _ term: MaskTerm, at indices: [IntegerExpression], by places: BoundPlaces, _ place: [IntegerExpression],
    in body: inout BodyBuilder
  ) throws {
    let value = try value(of: term, at: indices, in: &body)
    var (low, high) = (value, value)
    if term.boundType.isFloat {
      let isNumber = body.apply(.equal, value, value)
      low = body.apply(.select, isNumber, value, body.constant(-.infinity, term.boundType))
      high = body.apply(.select, isNumber, value, body.constant(.infinity, term.boundType))
    }
    let index = place.map { Access.Index($0) }
    body.accumulate(.minimum, low, Access(places.low, index))
    body.accumulate(.maximum, high, Access(places.high, index))
  }

  /// Takes bounds into others.
  func merge(
    _ type: ElementType, _ from: BoundPlaces, _ source: [Access.Index], into places: BoundPlaces, _ target: [IntegerExpression],
    in body: inout BodyBuilder
  ) {
    let isGuarded = source.contains { $0.isGuarded }
    let none = emptyBounds(type)
    let index = target.map { Access.Index($0) }
    let low = body.load(Access(from.low, source), type, otherwise: isGuarded ? none[0] : nil)
    let high = body.load(Access(from.high, source), type, otherwise: isGuarded ? none[1] : nil)
    body.accumulate(.minimum, low, Access(places.low, index))
    body.accumulate(.maximum, high, Access(places.high, index))
  }
}

/// The bounds of the terms that depend on the inner index, over granules and over groups of granules: taken once per call, in one pass
/// over the index.
struct TermSummaries {
  let order: TraversalOrder
  /// By the terms' numbers.
  private(set) var granules: [Int: BoundPlaces] = [:]
  private(set) var groups: [Int: BoundPlaces] = [:]

  /// The terms' numbers, in order.
  var numbers: [Int] { granules.keys.sorted() }

  /// Allocates the workspaces; `summarize` fills them.
  init(_ kernel: any PairKernel, _ order: TraversalOrder) {
    self.order = order
    guard !kernel.mask.isAlwaysTrue else { return }
    let (size, extent) = (kernel.granule(of: order.inner), kernel.extent(of: order.inner))
    for number in kernel.termNumbers(order.inner) {
      let term = kernel.terms[number]
      func places(_ name: String, _ count: Extent) -> BoundPlaces {
        let type = TensorType(term.boundType, Shape(term.batch.map { kernel.shape.batch[$0] } + [count]))
        return BoundPlaces(
          low: kernel.builder.workspace(Name("\(name)\(number)_low"), type),
          high: kernel.builder.workspace(Name("\(name)\(number)_high"), type))
      }
      granules[number] = places("granule", extent.dividedRoundingUp(by: size))
      groups[number] = places("group", extent.dividedRoundingUp(by: size * AttentionSchedule.granulesOfGroup))
    }
  }

  /// The phases that take the bounds, one per term.
  func summarize(_ kernel: any PairKernel) throws {
    for number in numbers { try summarize(number, kernel) }
  }

  private func summarize(_ number: Int, _ kernel: any PairKernel) throws {
    let (builder, term, most) = (kernel.builder, kernel.terms[number], AttentionSchedule.granulesOfGroup)
    let (granules, groups) = (granules[number]!, groups[number]!)
    let (size, extent) = (kernel.granule(of: order.inner), kernel.extent(of: order.inner))
    let (domain, indices) = kernel.batchDomain(term.batch)
    let granuleCount = extent.dividedRoundingUp(by: size)
    let (groupDomain, group) = builder.dimension("n", IntegerExpression(granuleCount.dividedRoundingUp(by: most)))
    try builder.phase(Name("summarize\(number)"), domain + [groupDomain]) {
      let first = builder.define("first", group * .constant(most))
      let count = builder.define("count", .blockSize(granuleCount, block: first, size: most))
      let tiles = kernel.boundTiles(number, "term", most)
      var at = [IntegerExpression](repeating: 0, count: kernel.shape.batchRank + 2)
      for (dimension, index) in zip(term.batch, indices) { at[dimension] = index }
      builder.map([("g", count)]) { body, index in kernel.begin(term.boundType, tiles, index, in: &body) }
      try builder.map([("g", count), ("c", .constant(size))]) { body, index in
        at[order.inner == .key ? at.count - 1 : at.count - 2] = .smaller(
          (first + index[0]) * .constant(size) + index[1], IntegerExpression(extent) - 1)
        try kernel.bound(term, at: at, by: tiles, [index[0]], in: &body)
      }
      builder.compute { kernel.begin(term.boundType, groups, indices + [group], in: &$0) }
      builder.map([("g", count)]) { body, index in
        let place = (indices + [first + index[0]]).map { Access.Index($0) }
        for (tile, target) in [(tiles.low, granules.low), (tiles.high, granules.high)] {
          body.store(body.load(Access(tile, index[0]), term.boundType), Access(target, place))
        }
        kernel.merge(term.boundType, tiles, [Access.Index(index[0])], into: groups, indices + [group], in: &body)
      }
    }
  }
}

extension TraversalOrder {
  /// The index that a task goes through.
  var inner: MaskTerm.Side { self == .queryMajor ? .key : .query }
  /// The index that a task owns.
  var outer: MaskTerm.Side { self == .queryMajor ? .query : .key }
}

extension PairKernel {
  /// The indices of a granule of one side.
  func granule(of side: MaskTerm.Side) -> Int { side == .key ? schedule.granule.columns : schedule.granule.rows }

  /// The number of indices of one side.
  func extent(of side: MaskTerm.Side) -> Extent { side == .key ? shape.keys : shape.queries }

  /// The indices of a tile of one side.
  func tile(of side: MaskTerm.Side) -> Int { side == .key ? schedule.tile.columns : schedule.tile.rows }
}

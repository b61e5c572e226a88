import HeedIR

/// The indices that reshapes make of others in a region: merged into one, or split into several.
///
/// It keeps what it merged and what it split. An index that was merged from others is split into them again, and the pieces of an
/// index are merged into that index again, so that a reshape there and back leaves no arithmetic.
struct IndexArithmetic {
  /// An index and the number of its places.
  private struct Digit {
    var index: ScalarValue
    var extent: Extent
  }

  private struct Split {
    var whole: ScalarValue
    var extents: [Extent]
  }

  let facts: [Fact]
  let type: ElementType
  /// What indices were merged from, the outermost first.
  private var digits: [ScalarValue: [Digit]] = [:]
  /// What indices are the pieces of.
  private var splits: [[ScalarValue]: Split] = [:]

  init(type: ElementType, facts: [Fact]) { (self.type, self.facts) = (type, facts) }

  /// The indices into a tensor of the extents `to` for the element at `indices` of its reshape with the extents `from`. Dimensions are
  /// split and merged by division and multiplication within runs of dimensions with equal products (`ReshapeRuns`). Nil where there are
  /// no such runs.
  mutating func reshaped(
    _ indices: [ScalarValue], from: [Extent], to: [Extent], in region: inout FunctionBuilder
  ) -> [ScalarValue]? {
    guard let runs = ReshapeRuns(from: from, to: to, facts: facts)?.runs else { return nil }
    let zero = region.constant(0, type)
    var result = to.map { _ in zero }
    for run in runs {
      let sources = run.from.filter { from[$0] != 1 }.map { Digit(index: indices[$0], extent: from[$0]) }
      let targets = run.to.filter { to[$0] != 1 }
      guard !sources.isEmpty, !targets.isEmpty else { continue }
      let places = reshaped(sources, to: targets.map { to[$0] }, in: &region)
      for (target, place) in zip(targets, places) { result[target] = place }
    }
    return result
  }

  /// Notes that `index` is these numbers, each below its extent, merged into one.
  mutating func noteDigits(of index: ScalarValue, _ parts: [(index: ScalarValue, extent: Extent)]) {
    digits[index] = parts.map { Digit(index: $0.index, extent: $0.extent) }
  }

  /// The same for one run.
  private mutating func reshaped(_ sources: [Digit], to targets: [Extent], in region: inout FunctionBuilder) -> [ScalarValue] {
    if sources.count == 1, targets.count == 1 { return [sources[0].index] }
    let all = sources.flatMap(expanded)
    guard all.count > sources.count, let runs = ReshapeRuns(from: all.map(\.extent), to: targets, facts: facts)?.runs,
      runs.count > 1
    else { return split(merge(all, in: &region), targets, in: &region) }
    return runs.flatMap { run -> [ScalarValue] in
      let digits = Array(all[run.from])
      return digits.count == 1 && run.to.count == 1
        ? [digits[0].index] : split(merge(digits, in: &region), Array(targets[run.to]), in: &region)
    }
  }

  /// What a digit was merged from, down to what was not merged.
  private func expanded(_ digit: Digit) -> [Digit] {
    guard let parts = digits[digit.index],
      parts.reduce(Extent(1), { $0 * $1.extent }).isEqual(to: digit.extent, given: facts)
    else { return [digit] }
    return parts.flatMap(expanded)
  }

  /// One index of several digits.
  private mutating func merge(_ parts: [Digit], in region: inout FunctionBuilder) -> ScalarValue {
    let converted = parts.map { Digit(index: region.apply(.convert, [$0.index], type: type), extent: $0.extent) }
    let parts = joined(converted)
    guard parts.count > 1 else { return parts[0].index }
    var linear = parts[0].index
    for part in parts.dropFirst() {
      let scaled = region.apply(.multiply, [linear, region.extent(part.extent, type)])
      linear = region.apply(.add, [scaled, part.index])
    }
    if digits[linear] == nil { digits[linear] = parts }
    return linear
  }

  /// The digits with those that are the pieces of one index replaced by that index.
  private func joined(_ parts: [Digit]) -> [Digit] {
    for count in stride(from: parts.count, to: 1, by: -1) {
      for start in 0...(parts.count - count) {
        let range = start..<(start + count)
        guard let split = splits[parts[range].map(\.index)],
          zip(split.extents, parts[range]).allSatisfy({ $0.isEqual(to: $1.extent, given: facts) })
        else { continue }
        let whole = Digit(index: split.whole, extent: split.extents.reduce(1) { $0 * $1 })
        return joined(parts[..<start] + [whole] + parts[range.upperBound...])
      }
    }
    return parts
  }

  /// The pieces of an index.
  private mutating func split(_ whole: ScalarValue, _ extents: [Extent], in region: inout FunctionBuilder) -> [ScalarValue] {
    var pieces: [ScalarValue] = []
    var rest = region.apply(.convert, [whole], type: type)
    for extent in extents.dropFirst().reversed() {
      let width = region.extent(extent, type)
      pieces.insert(region.apply(.remainder, [rest, width]), at: 0)
      rest = region.apply(.divide, [rest, width])
    }
    pieces.insert(rest, at: 0)
    if pieces.count > 1 { splits[pieces] = Split(whole: whole, extents: extents) }
    return pieces
  }
}

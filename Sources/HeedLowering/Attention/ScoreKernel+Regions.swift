import HeedAnalysis
import HeedIR
import HeedSchedule

/// The op's regions inside a kernel's body, and what the remarks say of the mask.
extension ScoreKernel {
  /// Says what is proved of the mask.
  func describeMask(of value: ValueID, _ context: inout LoweringContext) throws {
    guard !mask.isAlwaysTrue else { return }
    switch try mask.emptyRows(hasOwnKeys: shape.keys.isEqual(to: shape.queries, given: shape.facts)) {
    case .own: context.remark(.note, value, "every query sees its own key: no row is empty")
    case .first: context.remark(.note, value, "every query sees the first key: no row is empty where there are keys")
    case nil:
      context.remark(
        .note, value, "a query may see no key; its row is then \(scoreOfDead == nil ? "0" : "computed as written, over all keys")")
    }
    context.remark(
      .applied, value,
      "tiles of \(schedule.tile) where the mask is false everywhere are skipped; where it is true everywhere they run without it")
    if !mask.interval.isExact {
      context.remark(
        .note, value,
        "tiles that the mask's interval extension leaves open are classified again in granules of \(schedule.granule), then pair by pair"
      )
    }
    let summarized = mask.terms.filter { $0.side == .key }.map(\.describedValue)
    if !summarized.isEmpty {
      context.remark(
        .note, value,
        "bounds of \(summarized.joined(separator: ", ")) over \(schedule.granule.columns) keys each are taken once per call")
    }
  }

  /// Says which ends of the loop over keys are computed from the mask.
  func describeKeyRange(of value: ValueID, _ context: inout LoweringContext) {
    let range = mask.keysOfQueries
    guard !mask.isAlwaysTrue, range.isBounded else { return }
    let ends = range.low == nil ? "ends where it ends" : range.high == nil ? "begins where it begins" : "has its bounds"
    context.remark(.applied, value, "the live keys of a block of rows form a range: the loop over keys \(ends)")
  }
}

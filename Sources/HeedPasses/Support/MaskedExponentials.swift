import HeedIR

/// Exponentials, or other weights, that are 0 where a condition fails: `select(c, e, 0)`, `select(d, 0, e)`, or e times c as a number.
struct MaskedExponentials {
  let value: ValueID
  let condition: ValueID
  /// What the condition is where the value counts.
  let holds: Bool

  init?(_ node: NodeID, in graph: Graph) {
    if let masked = graph.maskedValue(node) {
      (value, condition, holds) = (masked.value, masked.condition, true)
    } else if graph.op(node) == .select, graph.uniformConstant(graph.inputs(node)[1])?.real == 0 {
      (value, condition, holds) = (graph.inputs(node)[2], graph.inputs(node)[0], false)
    } else {
      return nil
    }
  }

  init(_ value: ValueID, where condition: ValueID, _ holds: Bool) {
    (self.value, self.condition, self.holds) = (value, condition, holds)
  }

  /// Whether the condition tells nothing new of `scores`, whose exponentials relative to `shift` are masked: where it fails, they are -inf.
  ///
  /// A comparison that is false for NaN as well, `x > -inf`, hides a NaN of its pair, but not from the shift where that is the greatest of
  /// the scores. Where it is not, the condition stays.
  func isOfScores(_ scores: ValueID, shift: ValueID?, in graph: Graph) -> Bool {
    let conjuncts = graph.values(below: condition) { graph.op($0) == .and }.filter { graph.definingOp($0) != .and }
    if holds, graph.infiniteMasks(ofScores: scores).isSuperset(of: conjuncts) { return true }
    guard let liveness = graph.liveness(condition, holds, of: scores) else { return false }
    return liveness == .notDead || shift.map(graph.isMadeOfRows) ?? false
  }

  /// `scores` with -inf where the condition, which stands for this one's, fails.
  func mask(_ scores: ValueID, by condition: ValueID, in graph: inout Graph) throws -> ValueID {
    let dead = try graph.appendScalar(-.infinity, graph.type(scores).element)
    return try graph.appendResult(.select, [condition] + (holds ? [scores, dead] : [dead, scores]))
  }
}

extension Graph {
  /// What a condition says of scores.
  enum Liveness {
    /// They are not -inf; they may be NaN.
    case notDead
    /// They are above -inf: not NaN either.
    case aboveDead
  }

  /// What `condition` says of `scores`, element by element, where it is `holds`; nil where it says something else.
  func liveness(_ condition: ValueID, _ holds: Bool, of scores: ValueID) -> Liveness? {
    var (condition, holds) = (condition, holds)
    while let inner = match(condition, .not)?[0] { (condition, holds) = (inner, !holds) }
    guard let node = definingNode(condition), let comparison = comparison(node), comparison.bound == -.infinity,
      comparison.value == scores
    else { return nil }
    switch comparison.op {
    case .notEqual: return holds ? .notDead : nil
    case .equal: return holds ? nil : .notDead
    case .greater: return holds ? .aboveDead : nil
    // NaN is not below -inf: where this fails, a score is NaN or above.
    case .lessEqual: return holds ? nil : .notDead
    default: return nil
    }
  }

  /// The conditions without which scores are -inf.
  func infiniteMasks(ofScores value: ValueID) -> Set<ValueID> {
    var (masks, value): (Set<ValueID>, ValueID) = ([], value)
    while let choice = match(value, .select), uniformConstant(choice[2])?.real == -.infinity {
      masks.formUnion(values(below: choice[0]) { self.op($0) == .and })
      value = choice[1]
    }
    return masks
  }
}

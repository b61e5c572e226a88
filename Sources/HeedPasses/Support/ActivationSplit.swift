import HeedIR

/// Takes a weight that is made from its own score apart into what decides whether the pair lives and the weight of live pairs.
///
///     select(m, f(s), 0)                 m      f(s)
///     f(s) * convert(m) * 0.5            m      f(s) * 0.5
///     maximum(select(m, s, -inf), 0)     m      maximum(s, 0)
///     select(a, select(b, f(s), 0), 0)   a, b   f(s)
///
/// A condition masks where the weight is 0 whenever it fails: that is seen by putting the branch that is then chosen in place of every
/// choice by it.
struct ActivationSplit {
  var region: FunctionBuilder

  /// The most conditions that are looked at.
  private static let mostConditions = 64

  /// The conditions under which the pair is live, which do not depend on the score, and the weight where they hold.
  mutating func split(_ value: ScalarValue) throws -> (conditions: [ScalarValue], weight: ScalarValue) {
    var (conditions, value): ([ScalarValue], ScalarValue) = ([], value)
    var seen: Set<ScalarValue> = []
    while conditions.count < Self.mostConditions, let next = choices(below: value).first(where: { !seen.contains($0) }) {
      seen.insert(next)
      if region.function.parameters(of: next).contains(0) { continue }
      let (held, failed) = (try assuming(next, true, in: value), try assuming(next, false, in: value))
      if region.literal(failed)?.real == 0 {
        (conditions, value) = (conditions + [next], held)
      } else if region.literal(held)?.real == 0 {
        (conditions, value) = (conditions + [region.apply(.not, [next])], failed)
      }
    }
    return (conditions, value)
  }

  /// Whether the weight is the score times what does not depend on it, plus what does not depend on it.
  func isLinear(_ weight: ScalarValue) -> Bool {
    var known: [ScalarValue: Int] = [:]
    return degree(weight, &known) < 2
  }

  /// Whether the weight is made from something besides the score that both indices make: the last two parameters.
  func hasPairTerm(_ weight: ScalarValue) -> Bool {
    let (row, column) = (region.function.parameters.count - 2, region.function.parameters.count - 1)
    var (pending, seen): ([ScalarValue], Set<ScalarValue>) = ([weight], [])
    while let next = pending.popLast() {
      let read = region.function.parameters(of: next)
      guard read.contains(row), read.contains(column), seen.insert(next).inserted else { continue }
      if !read.contains(0) { return true }
      pending += region.function.instruction(next)?.operands ?? []
    }
    return false
  }

  /// The conditions of the choices that `value` is made of.
  private func choices(below value: ScalarValue) -> [ScalarValue] {
    var (found, pending): ([ScalarValue], [ScalarValue]) = ([], [value])
    var seen: Set<ScalarValue> = []
    while let next = pending.popLast() {
      guard seen.insert(next).inserted, let instruction = region.function.instruction(next) else { continue }
      if let operands = region.match(next, .select) { found.append(operands[0]) }
      pending += instruction.operands.reversed()
    }
    return found
  }

  /// `value` where `condition` is known.
  private mutating func assuming(_ condition: ScalarValue, _ holds: Bool, in value: ScalarValue) throws -> ScalarValue {
    var known: [ScalarValue: ScalarValue] = [:]
    return try replaced(value, condition, holds, &known)
  }

  private mutating func replaced(
    _ value: ScalarValue, _ condition: ScalarValue, _ holds: Bool, _ known: inout [ScalarValue: ScalarValue]
  ) throws -> ScalarValue {
    if let result = known[value] { return result }
    guard let instruction = region.function.instruction(value), case .elementwise(let op) = instruction.operation else {
      return value
    }
    let result: ScalarValue
    if op == .select, instruction.operands[0] == condition {
      result = try replaced(instruction.operands[holds ? 1 : 2], condition, holds, &known)
    } else {
      let operands = try instruction.operands.map { try replaced($0, condition, holds, &known) }
      if op == .multiply, instruction.type.isFloat, let zero = operands.first(where: { region.literal($0)?.real == 0 }) {
        // What a dead pair's score is does not count.
        result = zero
      } else if operands == instruction.operands {
        result = value
      } else {
        result = region.apply(op, operands, type: op.has(.typedByResult) ? instruction.type : nil, name: instruction.name)
      }
    }
    known[value] = result
    return result
  }

  /// 0 where the value does not depend on the score, 1 where it does so linearly, else 2.
  private func degree(_ value: ScalarValue, _ known: inout [ScalarValue: Int]) -> Int {
    if value == region.function.parameter(0) { return 1 }
    if let degree = known[value] { return degree }
    let degree = makeDegree(value, &known)
    known[value] = degree
    return degree
  }

  private func makeDegree(_ value: ScalarValue, _ known: inout [ScalarValue: Int]) -> Int {
    guard let instruction = region.function.instruction(value), case .elementwise(let op) = instruction.operation else { return 0 }
    let degrees = instruction.operands.map { degree($0, &known) }
    guard degrees.contains(where: { $0 > 0 }) else { return 0 }
    switch op {
    case .add, .subtract, .negate, .convert: return degrees.max()!
    case .multiply: return min(2, degrees.reduce(0, +))
    case .divide: return degrees[1] == 0 ? degrees[0] : 2
    case .select: return degrees[0] == 0 ? max(degrees[1], degrees[2]) : 2
    default: return 2
    }
  }
}

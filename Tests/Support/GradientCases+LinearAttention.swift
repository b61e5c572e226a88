import HeedIR

/// What a linear attention has besides queries, keys and values.
public struct LinearAttentionForm: Sendable, CustomStringConvertible {
  /// Where the rows before the first are.
  public enum Beginning: Sendable, CaseIterable {
    case zero, state, segments
  }

  /// Whether rows have decays.
  public var hasDecay = false
  /// Whether rows are divided by their sums of weights.
  public var isNormalized = false
  /// What stands before the first row.
  public var beginning = Beginning.zero
  /// Whether the state after all rows is a result.
  public var hasFinalState = false
  /// Whether rows go from the last to the first.
  public var isReverse = false
  /// Whether a row's own key is left out.
  public var isExclusive = false

  /// Every form that the op takes.
  public static let all: [LinearAttentionForm] = Beginning.allCases.flatMap { beginning in
    (0..<32).compactMap { bits in
      func has(_ bit: Int) -> Bool { bits >> bit & 1 == 1 }
      guard beginning != .segments || !has(2) else { return nil }
      return LinearAttentionForm(
        hasDecay: has(0), isNormalized: has(1), beginning: beginning, hasFinalState: has(2), isReverse: has(3), isExclusive: has(4))
    }
  }

  /// The attributes, in words.
  public var description: String {
    let words = [
      hasDecay ? "decay" : "", isNormalized ? "normalized" : "", beginning == .zero ? "" : "\(beginning)",
      hasFinalState ? "final" : "", isReverse ? "reverse" : "", isExclusive ? "exclusive" : "",
    ]
    return words.filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// Two heads with queries and keys of 2 or 3 components and values of 3 or 2, at lengths with and without parts of a chunk.
  public var gradientCase: GradientCase {
    let (depth, width) = isReverse ? (3, 2) : (2, 3)
    let segments = beginning == .segments
    let rows = segments ? "T" : "N"
    var arguments = ["%q: f64[2, \(rows), \(depth)]", "%k: f64[2, \(rows), \(depth)]", "%v: f64[2, \(rows), \(width)]"]
    var (operands, attributes): ([String], [String]) = ([], [])
    func add(_ attribute: String, _ type: String) {
      arguments.append("%\(attribute): \(type)")
      attributes.append("\(attribute) = \(operands.count)")
      operands.append("%\(attribute)")
    }
    if hasDecay { add("decay", "f64[2, \(rows)]") }
    if segments { add("ragged", "i32[B + 1]") }
    if beginning == .state { add("state", "wide[2, \(depth), \(width)]") }
    if beginning == .state, isNormalized { add("key_sum", "wide[2, \(depth)]") }
    if isNormalized { attributes.append("epsilon = 0.5") }
    if hasFinalState { attributes.append("final_state = true") }
    if isReverse { attributes.append("reverse = true") }
    if isExclusive { attributes.append("exclusive = true") }
    let results = hasFinalState ? isNormalized ? "%o, %s, %z" : "%o, %s" : "%o"
    let call = "linear_attention \((["%q", "%k", "%v"] + operands).joined(separator: ", "))"
    return GradientCase(
      "linear_attention", arguments.joined(separator: ", "),
      "\(results) = \(call) {\(attributes.sorted().joined(separator: ", "))} return \(results)",
      segments ? [["T": 23, "B": 4], ["T": 0, "B": 1]] : [["N": 19], ["N": 1], ["N": 0]]
    ) { name, array in
      switch name {
      // Weights that are not negative: denominators do not cancel.
      case "q", "k", "key_sum": array.reals = array.reals.map { abs($0) }
      case "decay": array.reals = array.reals.map { $0 / 4 - 0.5 }
      case "ragged": array.integers = array.count == 2 ? [0, 0] : [0, 3, 3, 20, 23]
      default: break
      }
    }
  }
}

let linearAttentionGradientCases: [GradientCase] = [
  LinearAttentionForm(),
  LinearAttentionForm(isNormalized: true),
  LinearAttentionForm(hasDecay: true, isNormalized: true, beginning: .state, hasFinalState: true),
  LinearAttentionForm(hasDecay: true, beginning: .state, hasFinalState: true, isReverse: true),
  LinearAttentionForm(hasDecay: true, isNormalized: true, beginning: .segments),
  LinearAttentionForm(hasDecay: true, beginning: .segments, isReverse: true, isExclusive: true),
  LinearAttentionForm(hasDecay: true, isNormalized: true, hasFinalState: true, isExclusive: true),
].map(\.gradientCase)

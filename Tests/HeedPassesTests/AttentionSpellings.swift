import Testing

/// Ways to write attention. Each is one graph that must become one `attention` op; `sizes` are those that it runs with.
struct Spelling: Sendable, CustomTestStringConvertible {
  let name: String
  let text: String
  /// The remarks of the pass contain each of these.
  let says: [String]
  var testDescription: String { name }

  init(_ name: String, says: [String] = [], arguments: String? = nil, facts: String = "", _ body: String) {
    let arguments = arguments ?? "%q: f32[B, 2, M, 4], %k: f32[B, 2, N, 4], %v: f32[B, 2, N, 5]"
    let lines = body.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
    (self.name, self.says, text) = (name, says, "graph @\(name.filter(\.isLetter))(\(arguments))\(facts) {\n\(lines)\n}\n")
  }
}

private let product = #"%s = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]"#
private let indices = """
  %i = iota {dim = 2} : i32[B, 2, M, N]
  %j = iota {dim = 3} : i32[B, 2, M, N]
  """
private let ending = """
  %p = softmax %x {dim = 3} : f32[B, 2, M, N]
  %o = contract %p, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 2, M, 5]
  return %o
  """

extension Spelling {
  static let all: [Spelling] = [
    Spelling(
      "plain", says: ["no mask"],
      """
      %x = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "scale after", says: ["scale 0.5 folded into the score"],
      """
      \(product)
      %x = multiply %s, 0.5 : f32[B, 2, M, N]
      \(ending)
      """),
    Spelling(
      "causal select", says: ["scale 0.5 folded", "the mask depends on indices only"],
      """
      \(product)
      \(indices)
      %t = multiply %s, 0.5 : f32[B, 2, M, N]
      %live = less_equal %j, %i : bool[B, 2, M, N]
      %x = select %live, %t, -inf : f32[B, 2, M, N]
      \(ending)
      """),
  ]
}

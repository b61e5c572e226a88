import HeedIR
import HeedPasses
import Testing

/// Linear attention written as the product of all pairs becomes the op whose time is linear; what only looks like it does not.
@Suite struct DecayedProductsTests {
  private static let qkv = "%q: f64[B, 2, S, 4], %k: f64[B, 2, S, 4], %v: f64[B, 2, S, 5]"
  private static let type = "f64[B, 2, S, S]"
  private static let begin = """
    %s = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f64[B, 2, S, S]
    %i = iota {dim = 2} : i32[B, 2, S, S]
    %j = iota {dim = 3} : i32[B, 2, S, S]
    %live = less_equal %j, %i : bool[B, 2, S, S]
    """
  private static let end = """
    %o = contract %p, %v {subscripts = "bhij,bhje->bhie"} : f64[B, 2, S, 5]
    return %o
    """

  private static func spelling(_ name: String, _ more: String = "", _ body: String) -> Spelling {
    Spelling(name, arguments: more.isEmpty ? qkv : "\(qkv), \(more)", "\(begin)\n\(body)\n\(end)")
  }

  /// `%d`: the difference of the running sums of `%g`, `[B, 2, S]`.
  private static let differences = """
    %a = scan %g {dim = 2, kind = add} : f64[B, 2, S]
    %ai = broadcast %a {dims = [0, 1, 2]} : f64[B, 2, S, S]
    %aj = broadcast %a {dims = [0, 1, 3]} : f64[B, 2, S, S]
    %d = subtract %ai, %aj : f64[B, 2, S, S]
    """

  private static let linear: [Spelling] = [
    spelling("causal products", "", "%p = select %live, %s, 0.0 : \(type)"),
    spelling(
      "products times a mask", "",
      """
      %m = convert %live : \(type)
      %h = multiply %s, 0.5 : \(type)
      %p = multiply %h, %m : \(type)
      """),
    spelling(
      "decays of rows", "%g: f64[B, 2, S]",
      """
      \(differences)
      %e = exp %d : \(type)
      %w = multiply %s, %e : \(type)
      %p = select %live, %w, 0.0 : \(type)
      """),
    spelling(
      "decays masked before the exponential", "%g: f64[B, 2, S]",
      """
      \(differences)
      %x = select %live, %d, -inf : \(type)
      %e = exp %x : \(type)
      %p = multiply %e, %s : \(type)
      """),
    spelling(
      "one decay for each head, as a power", "%g: f64[2]",
      """
      %c = sigmoid %g : f64[2]
      %w = broadcast %c {dims = [1]} : \(type)
      %n = subtract %i, %j : i32[B, 2, S, S]
      %x = convert %n : \(type)
      %e = power %w, %x : \(type)
      %u = multiply %s, %e : \(type)
      %p = select %live, %u, 0.0 : \(type)
      """),
    spelling(
      "one decay for each head, as an exponential", "%g: f64[2]",
      """
      %w = broadcast %g {dims = [1]} : \(type)
      %n = subtract %j, %i : i32[B, 2, S, S]
      %x = convert %n : \(type)
      %y = multiply %x, %w : \(type)
      %e = exp2 %y : \(type)
      %u = multiply %e, %s : \(type)
      %z = multiply %u, 0.25 : \(type)
      %p = select %live, %z, 0.0 : \(type)
      """),
  ]

  private static let others: [Spelling] = [
    spelling(
      "a window", "",
      """
      %n = subtract %i, %j : i32[B, 2, S, S]
      %near = less %n, 4 : bool[B, 2, S, S]
      %both = and %live, %near : bool[B, 2, S, S]
      %p = select %both, %s, 0.0 : \(type)
      """),
    spelling(
      "a function of the products", "",
      """
      %t = tanh %s : \(type)
      %p = select %live, %t, 0.0 : \(type)
      """),
    spelling(
      "a sum in place of a difference", "%g: f64[B, 2, S]",
      """
      %ai = broadcast %g {dims = [0, 1, 2]} : f64[B, 2, S, S]
      %aj = broadcast %g {dims = [0, 1, 3]} : f64[B, 2, S, S]
      %d = add %ai, %aj : f64[B, 2, S, S]
      %e = exp %d : \(type)
      %w = multiply %s, %e : \(type)
      %p = select %live, %w, 0.0 : \(type)
      """),
    spelling(
      "the difference of two tables", "%g: f64[B, 2, S], %r: f64[B, 2, S]",
      """
      %ai = broadcast %g {dims = [0, 1, 2]} : f64[B, 2, S, S]
      %aj = broadcast %r {dims = [0, 1, 3]} : f64[B, 2, S, S]
      %d = subtract %ai, %aj : f64[B, 2, S, S]
      %e = exp %d : \(type)
      %w = multiply %s, %e : \(type)
      %p = select %live, %w, 0.0 : \(type)
      """),
    spelling(
      "the keys behind", "",
      """
      %later = greater_equal %j, %i : bool[B, 2, S, S]
      %p = select %later, %s, 0.0 : \(type)
      """),
    spelling(
      "the square of the products", "",
      """
      %t = multiply %s, %s : \(type)
      %p = select %live, %t, 0.0 : \(type)
      """),
  ]

  private static let sizes: [[Name: Int]] = [["B": 2, "S": 7], ["B": 1, "S": 1], ["B": 2, "S": 0], ["B": 1, "S": 40]]

  @Test(arguments: linear) func becomesLinearAttention(_ spelling: Spelling) throws {
    let graph = try parse(spelling.text)
    var pipeline = PassPipeline()
    pipeline.verifiesEach = true
    let outcome = try pipeline.run(graph)
    let after = outcome.graph.ir
    #expect(after.count(.linearAttention) == 1 && after.count(.contract) == 0, "\(after.text)\n\(outcome.remarks)")
    try expectSameValues(graph, after, sizes: Self.sizes, tolerance: 1e-9)
  }

  @Test(arguments: others) func staysAsItIs(_ spelling: Spelling) throws {
    let graph = try parse(spelling.text)
    let after = try PassPipeline().run(graph).graph.ir
    #expect(after.count(.linearAttention) == 0, "\(after.text)")
    try expectSameValues(graph, after, sizes: Self.sizes, tolerance: 1e-9)
  }
}

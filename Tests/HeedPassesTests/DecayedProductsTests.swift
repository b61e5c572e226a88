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
    spelling(
      "the difference is not negative", "",
      """
      %n = subtract %i, %j : i32[B, 2, S, S]
      %x = convert %n : \(type)
      %d = greater_equal %x, 0.0 : bool[B, 2, S, S]
      %p = select %d, %s, 0.0 : \(type)
      """),
    spelling(
      "before the next row, in 64 bits", "",
      """
      %wi = convert %i : i64[B, 2, S, S]
      %wj = convert %j : i64[B, 2, S, S]
      %next = add %wi, 1 : i64[B, 2, S, S]
      %d = less %wj, %next : bool[B, 2, S, S]
      %p = select %d, %s, 0.0 : \(type)
      """),
    spelling(
      "a triangle of ones, twice", "",
      """
      %n = subtract %j, %i : i32[B, 2, S, S]
      %d = less_equal %n, 0 : bool[B, 2, S, S]
      %m = select %d, 1.0, 0.0 : \(type)
      %u = multiply %s, %m : \(type)
      %p = select %live, %u, 0.0 : \(type)
      """),
    spelling(
      "the exponent is held to 0", "",
      """
      %n = subtract %i, %j : i32[B, 2, S, S]
      %h = maximum %n, 0 : i32[B, 2, S, S]
      %x = convert %h : \(type)
      %e = power 0.9, %x : \(type)
      %u = multiply %s, %e : \(type)
      %p = select %live, %u, 0.0 : \(type)
      """),
    spelling(
      "the size of the difference", "%g: f64[2]",
      """
      %n = subtract %j, %i : i32[B, 2, S, S]
      %h = absolute %n : i32[B, 2, S, S]
      %x = convert %h : \(type)
      %w = broadcast %g {dims = [1]} : \(type)
      %y = multiply %x, %w : \(type)
      %e = exp %y : \(type)
      %u = multiply %s, %e : \(type)
      %p = select %live, %u, 0.0 : \(type)
      """),
    spelling(
      "a factor of the key", "%g: f64[B, 2, S], %t: f64[B, 2, S]",
      """
      \(differences)
      %e = exp %d : \(type)
      %w = multiply %s, %e : \(type)
      %f = broadcast %t {dims = [0, 1, 3]} : \(type)
      %y = multiply %w, %f : \(type)
      %p = select %live, %y, 0.0 : \(type)
      """),
    spelling(
      "an input gate", "%g: f64[B, 2, S], %t: f64[B, 2, S]",
      """
      \(differences)
      %f = broadcast %t {dims = [0, 1, 3]} : \(type)
      %y = add %f, %d : \(type)
      %e = exp %y : \(type)
      %w = multiply %s, %e : \(type)
      %p = select %live, %w, 0.0 : \(type)
      """),
    spelling(
      "the gate before the difference is taken", "%g: f64[B, 2, S], %t: f64[B, 2, S]",
      """
      %a = scan %g {dim = 2, kind = add} : f64[B, 2, S]
      %b = subtract %a, %t : f64[B, 2, S]
      %ai = broadcast %a {dims = [0, 1, 2]} : f64[B, 2, S, S]
      %bj = broadcast %b {dims = [0, 1, 3]} : f64[B, 2, S, S]
      %d = subtract %ai, %bj : f64[B, 2, S, S]
      %e = exp %d : \(type)
      %w = multiply %s, %e : \(type)
      %p = select %live, %w, 0.0 : \(type)
      """),
    spelling(
      "the opposite, divided by a number of the row", "%g: f64[B, 2, S]",
      """
      \(differences)
      %e = exp %d : \(type)
      %t = negate %s : \(type)
      %w = multiply %t, %e : \(type)
      %one = convert %i : \(type)
      %two = add %one, 2.0 : \(type)
      %y = divide %w, %two : \(type)
      %p = select %live, %y, 0.0 : \(type)
      """),
    spelling(
      "powers of one row each", "",
      """
      %x = convert %i : \(type)
      %y = convert %j : \(type)
      %z = negate %y : \(type)
      %e = power 0.9, %x : \(type)
      %f = power 0.9, %z : \(type)
      %u = multiply %s, %e : \(type)
      %w = multiply %u, %f : \(type)
      %p = select %live, %w, 0.0 : \(type)
      """),
  ]

  /// What is raised to the power of the distance, and whether it is proved not to be negative.
  private static let bases: [(name: String, code: String, isProved: Bool)] = [
    ("a square", "%c = multiply %g, %g : f64[2]", true),
    ("a size", "%c = absolute %g : f64[2]", true),
    ("no less than a number", "%c = maximum %g, 0.25 : f64[2]", true),
    ("numbers", "%c = constant {value = [0.75, 1.0]} : f64[2]", true),
    ("0 for a head", "%c = constant {value = [0.0, 0.5]} : f64[2]", true),
    (
      "one less a power of 2 that falls",
      """
      %h = iota {dim = 0} : i32[2]
      %x0 = convert %h : f64[2]
      %x1 = subtract -5.0, %x0 : f64[2]
      %x2 = exp2 %x1 : f64[2]
      %c = subtract 1.0, %x2 : f64[2]
      """, true
    ),
    (
      "a logarithm of one and more",
      """
      %x0 = exp %g : f64[2]
      %x1 = add 1.0, %x0 : f64[2]
      %c = log %x1 : f64[2]
      """, true
    ),
    ("any number", "%c = negate %g : f64[2]", false),
    ("between -1 and 1", "%c = tanh %g : f64[2]", false),
    ("a negative number", "%c = constant {value = [-0.75, 0.5]} : f64[2]", false),
    (
      "one less a power of 2",
      """
      %x2 = exp2 %g : f64[2]
      %c = subtract 1.0, %x2 : f64[2]
      """, false
    ),
    ("the greater of two", "%c = maximum %g, -0.25 : f64[2]", false),
  ]

  /// A power of `%c`, which `code` makes from `%g`.
  private static func power(_ name: String, _ code: String) -> Spelling {
    spelling(
      "the power of \(name)", "%g: f64[2]",
      """
      \(code)
      %w = broadcast %c {dims = [1]} : \(type)
      %n = subtract %i, %j : i32[B, 2, S, S]
      %x = convert %n : \(type)
      %e = power %w, %x : \(type)
      %u = multiply %s, %e : \(type)
      %p = select %live, %u, 0.0 : \(type)
      """)
  }

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
    spelling(
      "the keys before", "",
      """
      %before = less %j, %i : bool[B, 2, S, S]
      %p = select %before, %s, 0.0 : \(type)
      """),
    spelling(
      "every second row", "",
      """
      %w = multiply %i, 2 : i32[B, 2, S, S]
      %d = less_equal %j, %w : bool[B, 2, S, S]
      %p = select %d, %s, 0.0 : \(type)
      """),
    spelling(
      "a distance of both sides", "",
      """
      %n = subtract %i, %j : i32[B, 2, S, S]
      %h = absolute %n : i32[B, 2, S, S]
      %x = convert %h : \(type)
      %e = power 0.9, %x : \(type)
      %p = multiply %s, %e : \(type)
      """),
    spelling(
      "the square of the distance", "",
      """
      %n = subtract %i, %j : i32[B, 2, S, S]
      %x = convert %n : \(type)
      %y = multiply %x, %x : \(type)
      %z = multiply %y, -0.01 : \(type)
      %e = exp %z : \(type)
      %u = multiply %s, %e : \(type)
      %p = select %live, %u, 0.0 : \(type)
      """),
    spelling(
      "a power of what may be 0 to less than a whole row", "%g: f64[2]",
      """
      %c = multiply %g, %g : f64[2]
      %w = broadcast %c {dims = [1]} : \(type)
      %hi = divide %i, 2 : i32[B, 2, S, S]
      %hj = divide %j, 2 : i32[B, 2, S, S]
      %n = subtract %hi, %hj : i32[B, 2, S, S]
      %x = convert %n : \(type)
      %e = power %w, %x : \(type)
      %u = multiply %s, %e : \(type)
      %p = select %live, %u, 0.0 : \(type)
      """),
  ]

  private static func powers(ofProved isProved: Bool) -> [Spelling] {
    bases.filter { $0.isProved == isProved }.map { power($0.name, $0.code) }
  }

  private static let sizes: [[Name: Int]] = [["B": 2, "S": 7], ["B": 1, "S": 1], ["B": 2, "S": 0], ["B": 1, "S": 40]]

  @Test(arguments: linear + powers(ofProved: true)) func becomesLinearAttention(_ spelling: Spelling) throws {
    let graph = try parse(spelling.text)
    var pipeline = PassPipeline()
    pipeline.verifiesEach = true
    let outcome = try pipeline.run(graph)
    let after = outcome.graph.ir
    #expect(after.count(.linearAttention) == 1 && after.count(.contract) == 0, "\(after.text)\n\(outcome.remarks)")
    try expectSameValues(graph, after, sizes: Self.sizes, tolerance: 1e-9)
  }

  @Test(arguments: others + powers(ofProved: false)) func staysAsItIs(_ spelling: Spelling) throws {
    let graph = try parse(spelling.text)
    let outcome = try PassPipeline().run(graph)
    let after = outcome.graph.ir
    #expect(after.count(.linearAttention) == 0 && after.count(.contract) == 0, "\(after.text)")
    #expect(!spelling.text.contains("power") || outcome.remarks.contains { $0.message.contains("no linear attention, since") })
    try expectSameValues(graph, after, sizes: Self.sizes, tolerance: 1e-9)
  }
}

import Foundation
import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Numbers at which a conversion to some type changes its mind: halves, ends of ranges, ties of narrower floats.
private func thresholds(_ element: ElementType) -> [Literal] {
  guard element.isFloat else {
    let range = element.integerRange
    let powers = [7, 8, 10, 11, 12, 23, 24, 25, 30, 31, 32, 52, 53, 54, 61, 62].flatMap { shift in
      // The bits that a float of 8, 11, 24 or 53 bits drops: none, a tie, and one beside a tie.
      let half = Int64(1) << max(shift - 8, 0)
      let (power, odd) = (Int64(1) << shift, Int64(1) << max(shift - 24, 0))
      return [power, power - 1, power + 1, power + half, power + half + 1, power + 3 * half, power + odd, power + odd + 1]
    }
    return ([0, 1, 2, 3, 127, 255, 65504, 65519, 65520, range.lowerBound, range.upperBound, range.upperBound - 1] + powers)
      .flatMap { [$0, 0 &- $0] }.filter { range.contains($0) }.map { Literal($0) }
  }
  let ends: [Double] = [0.5, 1, 1.5, 2, 2.5, 3.5, 127, 127.5, 128, 128.5, 255, 255.5, 256, 0x1p24, 0x1p31, 0x1p53, 0x1p63]
  let ties: [Double] = [0x1.01p0, 0x1.03p0, 0x1.002p0, 0x1.006p0, 0x1.000001p0, 0x1.000003p0]
  let limits: [Double] = [65504, 65519, 65520, 3.4e38, 0x1.ffffffp127, 1e39, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x1p-14, 1e300]
  let all: [Double] = ends + ties + limits
  let numbers: [Double] = all.flatMap { number -> [Double] in
    // Beside a number: the neighbours in its own type.
    let rounded = element.round(number)
    switch element {
    case .f64: return [rounded, rounded.nextUp, rounded.nextDown]
    case .f32: return [rounded, Double(Float(rounded).nextUp), Double(Float(rounded).nextDown)]
    case .f16: return [rounded, Double(Float16(rounded).nextUp), Double(Float16(rounded).nextDown)]
    default: return [rounded, rounded * (1 + 0x1p-7), rounded * (1 - 0x1p-8)].map(element.round)
    }
  }
  return (numbers + [0, .infinity, .nan]).flatMap { [Literal($0), Literal(-$0)] }
}

/// Where a rounding decides a whole number, a bool or an infinity, compiled code must decide as the definition does.
@Suite struct ConversionTests {
  private func array(_ element: ElementType, _ values: [Literal]) -> ReferenceArray {
    .generated(element, [values.count]) { values[$0[0]] }
  }

  private func f32(_ values: [Double]) -> ReferenceArray { array(.f32, values.map { Literal(ElementType.f32.round($0)) }) }

  @Test(arguments: compiledTypes) func everyPairOfTypes(_ from: ElementType) throws {
    let values = array(from, thresholds(from))
    for to in compiledTypes {
      let graph = try graph("%x: \(from)[N]", "%y = convert %x : \(to)[N]\nreturn %y")
      try expectAgreement(graph, [["x": values]], .exact, targets: allHostTargets, note: "\(from) to \(to) ")
    }
  }

  /// A conversion whose operand is computed: what the op before computes is a number of its type.
  @Test(arguments: [ElementType.f32, .f64]) func ofSums(_ from: ElementType) throws {
    let half = from == .f32 ? 0x1p-25 : 0x1p-54
    let whole: [Double] = [1, 2, 128, 255, 256, 0x1p24, 0x1p31, -1, -128, 65520, 1e30]
    let x = whole.map { $0 * (1 - 2 * half) }
    for to in compiledTypes {
      let graph = try graph(
        "%x: \(from)[N], %y: \(from)[N]", "%z = add %x, %y\n%r = convert %z : \(to)[N]\nreturn %r")
      let inputs = [1.0, 0.5, 1.5, -1].map { factor in
        [
          "x": array(from, x.map { Literal(from.round($0)) }),
          "y": array(from, x.map { Literal(from.round($0 * 2 * half * factor)) }),
        ] as [Name: ReferenceArray]
      }
      try expectAgreement(graph, inputs, .exact, targets: allHostTargets, note: "\(from) sums to \(to) ")
    }
  }

  /// `x + y` is a whole number in f32 and none in f64, or the other way around.
  @Test func wholeNumbersOfSums() throws {
    let graph = try graph(
      "%x: f32[N], %y: f32[N]",
      """
      %s = add %x, %y
      %floor = floor %s
      %ceil = ceil %s
      %round = round %s
      %third = multiply %s, 0.33333334
      %whole = convert %third : i32[N]
      %rest = remainder %s, 1.0
      return %floor, %ceil, %round, %whole, %rest
      """)
    let x = (1...200).map { Double($0 % 50) / 2 }
    let y = (1...200).map { number -> Double in
      let size = Double(number / 25 + 1) * 0x1p-25
      return number % 3 == 0 ? size : -size
    }
    try expectAgreement(graph, [["x": f32(x), "y": f32(y)]], .exact)
  }

  /// Sums that are equal in f32 and not in f64.
  @Test func comparisonsOfSums() throws {
    let operations = ["less", "less_equal", "greater", "greater_equal", "equal", "not_equal"]
    let lines = operations.map { "%\($0) = \($0) %s, %z" }
    let graph = try graph(
      "%x: f32[N], %y: f32[N], %z: f32[N]",
      (["%s = add %x, %y"] + lines + ["return \(operations.map { "%\($0)" }.joined(separator: ", "))"]).joined(separator: "\n"))
    let steps = Array(-8...8)
    let x = [Double](repeating: 1, count: steps.count * steps.count)
    let y: [Double] = steps.flatMap { step in steps.map { _ in Double(step) * 0x1p-26 } }
    let z: [Double] = steps.flatMap { _ in steps.map { 1 + Double($0) * 0x1p-25 } }
    try expectAgreement(graph, [["x": f32(x), "y": f32(y), "z": f32(z)]], .exact)
  }

  /// What overflows on the way is infinite, what underflows is 0, though later ops would bring it back.
  @Test func overflowOnTheWay() throws {
    let graph = try graph(
      "%x: f32[N], %wide: f64[N]",
      """
      %square = multiply %x, %x
      %back = divide %square, %x
      %none = multiply %square, 0.0
      %is_none = not_equal %none, %none
      %root = sqrt %square
      %narrow = convert %wide : f32[N]
      %twice = divide 1.0, %narrow
      return %back, %is_none, %root, %narrow, %twice
      """)
    let x = f32([1e30, -1e30, 1e19, 3e38, 1, 1e-30, -1e-30])
    let wide = array(.f64, [1e39, -1e39, 3.4028236e38, 1e300, 0x1.ffffffp127, 1e-50, 1].map { Literal($0) })
    try expectAgreement(graph, [["x": x, "wide": wide]], .exact)
  }

  /// 16-bit types, an op by itself: rounded once from exact operands. A conversion in between rounds in fused code too.
  @Test(arguments: [ElementType.f16, .bf16]) func narrowFloats(_ element: ElementType) throws {
    let values = thresholds(element).filter { abs($0.real) < 1e4 && abs($0.real) > 1e-4 }
    let (x, y) = (values.flatMap { value in values.map { _ in value } }, values.flatMap { _ in values })
    let inputs: [Name: ReferenceArray] = ["x": array(element, x), "y": array(element, y)]
    for op in ["add", "subtract", "multiply", "divide", "minimum"] {
      let graph = try graph("%x: \(element)[N], %y: \(element)[N]", "%z = \(op) %x, %y\nreturn %z")
      try expectAgreement(graph, [inputs], .exact, targets: allHostTargets, note: "\(op) ")
    }
    let chain = try graph(
      "%x: \(element)[N], %y: \(element)[N]",
      """
      %a = convert %x : f32[N]
      %b = convert %y : f32[N]
      %sum = add %a, %b
      %narrow = convert %sum : \(element)[N]
      %wide = convert %narrow : f32[N]
      %floor = floor %wide
      %is_below = less %wide, %sum
      %whole = convert %narrow : i32[N]
      return %floor, %is_below, %whole
      """)
    try expectAgreement(chain, [inputs], .exact, targets: allHostTargets)
  }

  // MARK: Buckets

  /// T5's buckets of distances: at 16, 32, 64 and 128 a logarithm in f32 is a whole number.
  @Test(arguments: ["%d = divide %c, 2.7725887\n%e = multiply %d, 8.0", "%e = multiply %c, 2.88539", "%e = divide %c, 0.34657359"])
  func logarithmicBuckets(_ scaled: String) throws {
    let body = """
      %far = convert %n : f32[N]
      %a = divide %far, 8.0
      %c = log %a
      \(scaled)
      %steps = convert %e : i32[N]
      %large = add %steps, 8
      %capped = minimum %large, 15
      %near = less %n, 8
      %bucket = select %near, %n, %capped
      return %e, %steps, %bucket
      """
    let graph = try graph("%n: i32[N]", body)
    let distances = (0...1024).map { Int64($0) }
    let input: [Name: ReferenceArray] = ["n": ReferenceArray(.i32, [distances.count], integers: distances)]
    try expectAgreement(graph, [input], Tolerance(f32: 1e-6))
    // The same in Swift, step by step in f32.
    let result = try GraphInterpreter.evaluate(graph, inputs: input)[1].array.integers
    func steps(_ logarithm: Float) -> Float {
      if scaled.contains("2.7725887") { return logarithm / 2.7725887 * 8 }
      return scaled.contains("2.88539") ? logarithm * 2.88539 : logarithm / 0.34657359
    }
    for distance in distances where distance > 0 {
      let logarithm = Float(log(Double(Float(distance) / 8)))
      #expect(result[Int(distance)] == Int64(steps(logarithm)), "distance \(distance)")
    }
  }

  /// Buckets of equal width, by division: multiples of a tenth are none in binary.
  @Test func linearBuckets() throws {
    let graph = try graph(
      "%x: f32[N]",
      """
      %a = divide %x, 0.1
      %down = floor %a
      %bucket = convert %down : i32[N]
      %b = multiply %x, 10.0
      %other = convert %b : u8[N]
      return %bucket, %other
      """)
    let x = (0..<250).map { Double($0) / 10 }
    try expectAgreement(graph, [["x": f32(x)], ["x": f32(x.map { Double(Float($0).nextDown) })]], .exact)
  }

  /// A mask of attention that compares f32 arithmetic of positions, and a bias from a bucket.
  @Test(arguments: ["%steps = multiply %log, 2.88539", "%ratio = divide %log, 2.7725887\n%steps = multiply %ratio, 8.0"])
  func masksAndBucketsOfAttention(_ scaled: String) throws {
    let graph = try graph(
      "%q: f32[S, 16], %k: f32[S, 16], %v: f32[S, 16], %table: f32[32]",
      """
      %scores = contract %q, %k {subscripts = "id,jd->ij"}
      %i = iota {dim = 0} : i32[S, S]
      %j = iota {dim = 1} : i32[S, S]
      %x = convert %i : f32[S, S]
      %y = convert %j : f32[S, S]
      %there = multiply %x, 0.7
      %here = multiply %y, 0.7
      %distance = subtract %there, %here
      %near = less_equal %distance, 35.0
      %early = greater_equal %distance, -2.1
      %window = and %near, %early
      %gap = subtract %i, %j
      %far = absolute %gap
      %one = maximum %far, 1
      %length = convert %one : f32[S, S]
      %third = divide %length, 3.0
      %log = log %third
      \(scaled)
      %whole = convert %steps : i32[S, S]
      %bucket = add %whole, 8
      %bias = gather %table, %bucket {dim = 0}
      %biased = add %scores, %bias
      %masked = select %window, %biased, -inf
      %probs = softmax %masked {dim = 1}
      %out = contract %probs, %v {subscripts = "ij,je->ie"}
      return %out
      """)
    try expectAgreement(graph, at: [["S": 1], ["S": 37], ["S": 150]], attentions: 1)
  }

  /// Blocks of 41 by a division in f32, which is not a multiplication by 1/41.
  @Test func blocksByDivision() throws {
    let graph = try graph(
      "%q: f32[S, 16], %k: f32[S, 16], %v: f32[S, 16]",
      """
      %scores = contract %q, %k {subscripts = "id,jd->ij"}
      %i = iota {dim = 0} : i32[S, S]
      %j = iota {dim = 1} : i32[S, S]
      %x = convert %i : f32[S, S]
      %y = convert %j : f32[S, S]
      %there = divide %x, 41.0
      %here = divide %y, 41.0
      %row = floor %there
      %column = floor %here
      %live = equal %row, %column
      %masked = select %live, %scores, -inf
      %probs = softmax %masked {dim = 1}
      %out = contract %probs, %v {subscripts = "ij,je->ie"}
      return %out
      """)
    try expectAgreement(graph, at: [["S": 42], ["S": 200]], attentions: 1)
  }
}

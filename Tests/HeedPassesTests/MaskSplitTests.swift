import HeedIR
import HeedPasses
import HeedTestSupport
import Testing

/// Scores taken apart into what decides whether a pair lives and the score of live pairs.
@Suite struct MaskSplitTests {
  /// A score region of %s, the product, and the indices %i and %j: lines that end in %x.
  private static func region(_ lines: String) throws -> ScalarFunction {
    let graph = try parse(
      """
      graph @scores(%q: f32[M, 2], %k: f32[N, 2], %v: f32[N, 2]) {
        %out = attention %q, %k, %v score (%s: f32, %i: i32, %j: i32) {
          \(lines)
          yield %x
        } where (%i: i32, %j: i32) {
          yield true
        } : f32[M, 2]
        return %out
      }
      """)
    return graph.regions(graph.body[0]).first!
  }

  /// The condition under which a pair lives, or true, and the score of live pairs.
  private static func split(_ region: ScalarFunction) throws -> (function: ScalarFunction, split: MaskSplit, isMasked: Bool) {
    var builder = FunctionBuilder(parameters: region.parameters, rules: .scores)
    let score = builder.inline(region, region.parameters.indices.map(builder.parameter))[0]
    var split = MaskSplit(region: builder)
    let parts = try split.split(score)
    builder = split.region
    let live = parts.live ?? builder.truth(true)
    return (builder.finish([live, parts.score]), split, parts.live != nil)
  }

  private static let causal = "%m = less_equal %j, %i\n"

  @Test(
    arguments: [
      ("%x = multiply %s, 0.5", nil, "s * 0.5"),
      (causal + "%x = select %m, %s, -inf", "j <= i", "s"),
      (causal + "%y = select %m, 0.0, -inf : f32\n%x = add %s, %y", "j <= i", "s"),
      (causal + "%near = less %i, 9\n%y = select %near, %s, -inf\n%x = select %m, %y, -inf", "j <= i and i < 9", "s"),
      (causal + "%near = less %i, 9\n%y = select %near, %s, -inf\n%x = select %m, %s, %y", "j <= i or i < 9", "s"),
      (causal + "%y = select %m, %s, -inf\n%x = multiply %y, 0.125", "j <= i", "s * 0.125"),
      (causal + "%c = convert %m : f32\n%d = subtract 1.0, %c\n%y = multiply %d, -10000.0\n%x = add %s, %y", "j <= i", "s"),
      (causal + "%y = select %m, inf, -inf : f32\n%x = minimum %s, %y", "j <= i", "s"),
      (causal + "%x = select %m, -inf, %s", "i < j", "s"),
      (causal + "%n = negate %s\n%y = select %m, %n, inf\n%x = negate %y", "j <= i", "negate(negate(s))"),
    ] as [(String, String?, String)])
  func formsOfMasks(_ lines: String, _ live: String?, _ score: String) throws {
    let (function, _, isMasked) = try Self.split(Self.region(lines))
    #expect(isMasked == (live != nil))
    #expect(function.formula == live ?? "true")
    #expect(function.extracting(result: 1).formula == score)
  }

  /// Finite constants count as masking as far as they are large, by what they are multiplied by further up.
  @Test(arguments: [("-10000.0", 1.0, true), ("-9999.0", 1.0, false), ("-30000.0", 0.25, false), ("-80000.0", 0.25, true)])
  func finiteConstants(_ fill: String, _ scale: Double, _ isMask: Bool) throws {
    let lines = Self.causal + "%y = select %m, 0.0, \(fill) : f32\n%z = add %s, %y\n%x = multiply %z, \(scale)"
    let (_, split, isMasked) = try Self.split(Self.region(lines))
    #expect(isMasked == isMask)
    #expect(split.finiteFills == (isMask ? [Double(fill)!] : []))
    #expect(split.keptFills == (isMask ? [] : [Double(fill)!]))
  }

  /// A live pair has the score that it had, a dead one had so low a score that its weight is 0.
  @Test func partsMeanTheScore() throws {
    var numbers = SeededGenerator(seed: 3)
    var masked = 0
    for _ in 0..<300 {
      let lines = randomScore(&numbers)
      let region = try Self.region(lines)
      let (function, _, isMasked) = try Self.split(region)
      if isMasked { masked += 1 }
      for (i, j) in [(0, 0), (3, 7), (7, 3), (20, 19), (12, 40)] {
        let arguments = [Literal(1.25), Literal(i), Literal(j)]
        let (whole, parts) = (try region.evaluate(arguments)[0].real, try function.evaluate(arguments))
        let isSame = whole == parts[1].real || abs(whole - parts[1].real) <= 1e-5 * max(1, abs(whole))
        let holds = parts[0].integer != 0 ? isSame : whole < -9000
        try #require(holds, "at (\(i), \(j)): \(whole), \(parts)\n\(lines)\n\(function)")
      }
    }
    #expect(masked > 150)
  }

  /// A score that is masked some times over.
  private func randomScore(_ numbers: inout SeededGenerator) -> String {
    let conditions = ["less_equal %j, %i", "less %i, 9", "greater %j, 5", "not_equal %i, %j"]
    var (lines, score) = (["%one = multiply %s, 1.0"], "%one")
    for step in 0..<Int.random(in: 1...4, using: &numbers) {
      let fill = ["-inf", "-1e9"].randomElement(using: &numbers)!
      lines.append("%c\(step) = \(conditions.randomElement(using: &numbers)!)")
      switch Int.random(in: 0..<6, using: &numbers) {
      case 0: lines.append("%x\(step) = select %c\(step), \(score), \(fill)")
      case 1: lines.append("%x\(step) = select %c\(step), \(fill), \(score)")
      case 2: lines += ["%f\(step) = select %c\(step), 0.0, \(fill) : f32", "%x\(step) = add \(score), %f\(step)"]
      case 3: lines.append("%x\(step) = multiply \(score), 0.5")
      case 4: lines.append("%x\(step) = add \(score), 2.0")
      default:
        lines += ["%f\(step) = select %c\(step), %one, \(fill)", "%x\(step) = select %c\(step), \(score), %f\(step)"]
      }
      score = "%x\(step)"
    }
    return (lines + ["%x = multiply \(score), 1.0"]).joined(separator: "\n")
  }
}

extension ScalarFunction {
  /// The function with one of its results alone.
  fileprivate func extracting(result: Int) -> ScalarFunction {
    var function = self
    function.results = [results[result]]
    return function
  }
}

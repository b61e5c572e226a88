import HeedDSL
import HeedIR
import Testing

@Suite struct InitializerTests {
  private static let all: [Initializer] = [
    .zeros, .ones, .constant(-2.5), .normal(mean: 1, deviation: 0.02), .truncatedNormal(deviation: 1e-3),
    .uniform(low: -1, high: 1),
    .xavierUniform(gain: 2), .xavierNormal(), .kaimingUniform(gain: 1, fan: .outputs), .kaimingNormal(), .orthogonal(gain: 0.5),
    .linearWeight,
  ]

  @Test(arguments: all) func textsParse(_ initializer: Initializer) throws {
    #expect(try Initializer(parsing: initializer.description) == initializer)
    #expect(initializer.description.hasPrefix(initializer.name))
  }

  @Test func defaults() throws {
    #expect(try Initializer(parsing: "normal( deviation : 0.02 ) ") == .normal(deviation: 0.02))
    #expect(try Initializer(parsing: "kaimingNormal(fan: outputs)") == .kaimingNormal(fan: .outputs))
    #expect(try Initializer(parsing: "orthogonal()") == .orthogonal())
  }

  @Test(arguments: [
    ("xavier", "got the initializer 'xavier', expected one of zeros, ones, constant, normal, truncatedNormal, "),
    ("normal(0.02)", "got '0.02' in the initializer 'normal(0.02)', expected the form of 'normal(mean: 0.0, deviation: 1.0)'"),
    ("zeros(mean: 1)", "got 'mean: 1' in the initializer 'zeros(mean: 1)', expected the form of 'zeros'"),
    ("normal(mean: inf)", "got 'mean: inf' in"), ("kaimingNormal(fan: both)", "got 'fan: both' in"),
    ("normal(mean: 1", "got the initializer 'normal(mean: 1', expected a closing parenthesis at its end"),
  ]) func mistakes(_ text: String, _ expected: String) {
    let error = #expect(throws: HeedError.self) { try Initializer(parsing: text) }
    #expect(error?.message.hasPrefix(expected) == true, "\(error?.message ?? "")")
  }

  @Test(arguments: [
    ("*.bias", "a.bias", true), ("*.bias", "bias", false), ("*", "", true), ("a*b*c", "abc", true), ("a*b*c", "a.b.b.c", true),
    ("a*b*c", "acb", false), ("a", "a", true), ("a", "ab", false), ("", "", true), ("", "a", false), ("a*a", "a", false),
    ("**.x", "y.x", true), ("encoder.*.weight", "encoder.3.up.weight", true), ("*ab*ab", "abab", true), ("*ab*ab", "aba", false),
  ]) func patterns(_ pattern: String, _ name: String, _ fits: Bool) {
    #expect(NamePattern(pattern).matches(name) == fits)
  }
}

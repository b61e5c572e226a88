package import Heed

/// An idea about attention, what is claimed of it, and the program that measures the claims.
package struct Example: Sendable {
  /// The name of the folder that it lies in.
  package let name: String
  /// The idea in one sentence.
  let idea: String
  /// What is claimed, stated before anything is measured.
  package let claims: [Claim]
  /// The graph that shows the idea, as it is written: `tour show NAME` prints it, and what it becomes.
  package let graph: @Sendable () throws -> Graph
  /// Measures all claims.
  package let run: @Sendable (Laboratory) throws -> Void
  /// Whether it reads the pretrained encoder.
  var needsEncoder = false

  package init(
    name: String, idea: String, claims: [Claim], graph: @escaping @Sendable () throws -> Graph,
    run: @escaping @Sendable (Laboratory) throws -> Void, needsEncoder: Bool = false
  ) {
    (self.name, self.idea, self.claims, self.graph, self.run) = (name, idea, claims, graph, run)
    self.needsEncoder = needsEncoder
  }

  /// Whether all that it reads is there.
  package var canRun: Bool { !needsEncoder || PretrainedEncoder.isThere }
}

/// A sentence that a measurement can refute.
package struct Claim: Sendable {
  /// What the numbers must satisfy.
  package enum Bound: Sendable {
    case atMost(Double)
    case atLeast(Double)
    /// From the first number to the second.
    case between(Double, Double)
  }

  /// What a bound is asked of, where there are several numbers: one for each seed.
  package enum Statistic: Sendable { case everyOne, mean }

  /// A short name, by which the measurement refers to it.
  package let name: String
  /// The claim in one sentence.
  let text: String
  let bound: Bound
  let statistic: Statistic
  /// Why the claim does not hold here, where that is known: the table says so, and it is no failure.
  let exception: String?
  /// The data that it is measured on; nil where the example makes its own. Without the data the claim is skipped.
  package let data: ExampleData?

  package init(
    _ name: String, _ text: String, _ bound: Bound, of statistic: Statistic = .everyOne, exception: String? = nil,
    on data: ExampleData? = nil
  ) {
    (self.name, self.text, self.bound, self.statistic, self.exception) = (name, text, bound, statistic, exception)
    self.data = data
  }

  /// Whether the data that it is measured on is lacking.
  package var isSkipped: Bool { data.map { !$0.isThere } ?? false }

  /// Whether the numbers satisfy the bound. No number satisfies none, and NaN satisfies none.
  package func holds(for values: [Double]) -> Bool {
    guard !values.isEmpty else { return false }
    let asked = statistic == .mean ? [mean(values)] : values
    return switch bound {
    case .atMost(let most): asked.allSatisfy { $0 <= most }
    case .atLeast(let least): asked.allSatisfy { $0 >= least }
    case .between(let least, let most): asked.allSatisfy { least <= $0 && $0 <= most }
    }
  }
}

extension Claim.Bound: CustomStringConvertible {
  package var description: String {
    switch self {
    case .atMost(let most): "<= \(shown(most))"
    case .atLeast(let least): ">= \(shown(least))"
    case .between(let least, let most): "\(shown(least)) ... \(shown(most))"
    }
  }
}

/// What is known about a condition on the pairs of a tile. As a number: 1 where it can hold for a pair, plus 2 where it can fail for
/// another. Kernels keep verdicts as whole numbers and compare them by name: `if %verdict == .open { }`.
public enum Verdict: Int, Hashable, Sendable, CaseIterable {
  /// It holds for no pair.
  case empty = 0
  /// It holds for every pair.
  case full = 1
  /// It may hold for some pairs and fail for others.
  case open = 3

  /// The name in text, after a point: `.open` is written for `open`.
  public var name: String { "\(self)" }

  /// The verdict called `name`, or nil.
  public init?(name: some StringProtocol) {
    guard let match = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = match
  }
}

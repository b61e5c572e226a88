/// The name of one of an op's results: `graph.result(node, .logSumExp)`.
public struct ResultName: Hashable, Sendable {
  /// The name as text has it.
  public let name: Name

  /// A result of this name.
  public init(_ name: Name) { self.name = name }

  /// What the op is for; the only result of most.
  public static let output = Self("output")
  /// The elements that were picked.
  public static let values = Self("values")
  /// The places of the elements that were picked.
  public static let indices = Self("indices")
}

extension ResultName: CustomStringConvertible {
  /// The name.
  public var description: String { name.text }
}

extension Op {
  /// What an op's results are.
  public enum Results: Sendable {
    /// The same ones in this order, each where the attributes ask for it.
    case named([ResultSpecification])
    /// One for each value that the op's region yields.
    case yielded
    /// As many as operands and attributes ask for.
    case requested
  }

  /// A result that the op has, always or on a condition.
  public struct ResultSpecification: Sendable {
    /// The result's name.
    public let name: ResultName
    /// Whether a node with these attributes has it.
    public let isPresent: @Sendable (Attributes) -> Bool

    /// A result that every node has.
    public static func always(_ name: ResultName) -> Self { Self(name: name) { _ in true } }
    /// A result of the nodes on whose attributes the condition holds.
    public static func when(_ name: ResultName, _ isPresent: @escaping @Sendable (Attributes) -> Bool) -> Self {
      Self(name: name, isPresent: isPresent)
    }
  }

  /// The names of the results of a node with these attributes, in order; nil where they have none.
  public func resultNames(_ attributes: Attributes) -> [ResultName]? {
    guard case .named(let specifications) = results else { return nil }
    return specifications.filter { $0.isPresent(attributes) }.map(\.name)
  }
}

extension AppliedOp {
  /// The place of a result among all; nil where the op has none of this name here.
  public func position(of result: ResultName) -> Int? { op.resultNames(attributes)?.firstIndex(of: result) }

  /// The results of these names in order; what the attributes do not ask for is left out.
  public func inOrder<Result>(_ results: [ResultName: Result]) -> [Result] {
    op.resultNames(attributes)!.map { name in
      guard let result = results[name] else { preconditionFailure("\(op) has no \(name)") }
      return result
    }
  }
}

extension Graph {
  /// The result of a node by its name; nil where the op has none of this name, or the attributes do not ask for it.
  public func result(_ node: NodeID, _ name: ResultName) -> ValueID? {
    op(node).resultNames(attributes(node))?.firstIndex(of: name).map { results(node)[$0] }
  }
}

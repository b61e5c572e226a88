public import HeedIR

/// The initialisers of a graph's parameters by name: those of the layers, and what replaces them.
///
/// ```swift
/// let (graph, initializers) = try Graph.withInitializers("model") { g in
///   g.initializers["*.bias"] = .zeros
///   return Linear("map", in: g, inputs: 64, outputs: 10)(g.input("x", .f32, ["S", 64])).named("y")
/// }
/// let parameters = try initializers.arrays(for: graph, seed: 1)     // "map.weight", "map.bias"
/// ```
///
/// It knows names alone, so that it serves whatever holds the numbers: parameters, or state of the same names.
public struct Initializers: Hashable, Sendable {
  private struct Rule: Hashable {
    let pattern: NamePattern
    let initializer: Initializer
  }

  private var ofNames: [String: Initializer] = [:]
  private var rules: [Rule] = []

  /// None.
  public init() {}

  /// What a parameter of this name has: by the last pattern that fits, else as its layer said; nil where nothing is known of it.
  public func initializer(of name: String) -> Initializer? {
    rules.last { $0.pattern.matches(name) }?.initializer ?? ofNames[name]
  }

  /// What the parameters that fit a pattern have instead of what their layers say; of patterns that fit, the last one that was set counts.
  /// Nil takes it back.
  public subscript(pattern: NamePattern) -> Initializer? {
    get { rules.last { $0.pattern == pattern }?.initializer }
    set {
      rules.removeAll { $0.pattern == pattern }
      if let newValue { rules.append(Rule(pattern: pattern, initializer: newValue)) }
    }
  }

  /// The names that layers gave initialisers, in order.
  public var names: [String] { ofNames.keys.sorted() }

  /// Notes what a layer says of a name; the first counts.
  mutating func note(_ initializer: Initializer, of name: String) { ofNames[name] = ofNames[name] ?? initializer }
}

extension GraphBuilder {
  /// Says what a tensor that training changes, a parameter or a state, holds before. Of tied weights the first word counts.
  /// - Returns: the tensor.
  @discardableResult
  public func initialize(_ tensor: Tensor, _ initializer: Initializer) -> Tensor {
    if let name = tensor.name { initializers.note(initializer, of: name) }
    return tensor
  }
}

extension Graph {
  /// Builds a graph, as `Graph(building:)` does, and returns it with the initialisers of its parameters.
  /// - Throws: `HeedError`, the first mistake, or what the closure throws.
  public static func withInitializers(
    _ name: String, file: String = #filePath, line: Int = #line, _ body: (GraphBuilder) throws -> some GraphOutput
  ) throws -> (graph: Graph, initializers: Initializers) {
    var initializers = Initializers()
    let graph = try Graph(building: name, file: file, line: line) { g in
      let output = try body(g)
      initializers = g.initializers
      return output
    }
    return (graph, initializers)
  }
}

public import HeedIR

/// A small graph whose derivatives are checked, and where.
public struct GradientCase: Sendable, CustomStringConvertible {
  /// The op whose rule it is for.
  public var mnemonic: String
  /// The graph: floats are f64. `wide` stands for the type in which these are summed.
  public var text: String
  /// Values of the symbols.
  public var sizes: [[Name: Int]]
  /// Replaces what is drawn at random for an argument: floats in -2 ..< 2, integers in 0 ..< 6.
  public var prepare: @Sendable (Name, inout ReferenceArray) -> Void

  init(
    _ mnemonic: String, _ arguments: String, _ body: String, _ sizes: [[Name: Int]],
    prepare: @escaping @Sendable (Name, inout ReferenceArray) -> Void = { _, _ in }
  ) {
    (self.mnemonic, self.sizes, self.prepare) = (mnemonic, sizes, prepare)
    text = "graph @f(\(arguments)) { \(body) }"
  }

  /// The graph's text.
  public var description: String { text }

  /// The graph, with floats of another type if `element` says so.
  public func graph(_ element: ElementType = .f64) throws -> Graph {
    try Graph.parse(text.replacing("f64", with: element.name).replacing("wide", with: element.computed.name))[0]
  }

  /// Inputs for the graph, or for one with further arguments, at a binding of its symbols.
  public func inputs(_ graph: Graph, _ size: [Name: Int], seed: UInt64 = 1) throws -> [Name: ReferenceArray] {
    var numbers = SeededGenerator(seed: seed)
    var inputs: [Name: ReferenceArray] = [:]
    for argument in graph.arguments {
      let (name, type) = (graph.name(argument.value), graph.type(argument.value))
      var array = numbers.array(type.element, try type.shape.evaluate { size[$0] })
      prepare(name, &array)
      array.round()
      inputs[name] = array
    }
    return inputs
  }
}

/// Graphs for every op that has a derivative, away from places where it jumps.
public let gradientCases =
  elementwiseGradientCases + arrangementGradientCases + reductionGradientCases + compositeGradientCases
  + attentionGradientCases + statisticGradientCases + pairGradientCases + linearAttentionGradientCases + loopGradientCases

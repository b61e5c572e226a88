public import HeedIR

/// A well-typed graph that a seed determines, and what to run it with.
///
/// The graphs mix elementwise chains, views, reductions, indexing, fused ops, and naive attention in its many spellings. Numbers stay
/// of moderate size, and ops that jump (comparisons, rounding) see only floats that are exact, so that a correct rewriting of
/// the graph gives nearly the same values: no NaN, no overflow, no flipped comparison.
///
///     let random = try RandomGraph(seed: seed)
///     let inputs = try random.inputs(random.bindings[0])
///     let results = try GraphInterpreter.evaluate(random.graph, inputs: inputs)
///     #expect(..., "\(random)")            // the seed and the graph
public struct RandomGraph: Sendable, CustomStringConvertible {
  /// What a random graph may have.
  public struct Options: Sendable {
    /// The element types of the float arguments; repeat one to make it likelier.
    public var floats: [ElementType] = [.f32, .f32, .f32, .f64, .f16, .bf16]
    /// The element types of the integer arguments.
    public var integers: [ElementType] = [.i32, .i32, .i64, .i8, .u8]
    /// How many steps build the graph; a step adds one node or a few.
    public var steps = 2...14
    /// How often a step writes naive attention.
    public var attentionProbability = 0.15
    /// Whether `map`, `linear` and `attention` occur: what only passes make otherwise.
    public var hasFusedOps = true
    /// Whether some names need quotes.
    public var hasOddNames = true

    /// Graphs of all kinds.
    public init() {}

    /// What has kernels as exact as their type in any chain of ops: f32, f64 and integers.
    public static var compiled: Options {
      var options = Options()
      options.floats = [.f32, .f32, .f32, .f64]
      return options
    }
  }

  /// The seed that determines the graph.
  public let seed: UInt64
  /// The graph.
  public let graph: Graph
  /// Values of the symbols to run with; they hold to the graph's facts.
  public let bindings: [[Name: Int]]
  /// The arguments that hold segment offsets, and the number of rows that they end at.
  public let offsets: [Name: Extent]

  /// - Throws: where the graph is not well formed, which is a bug of the generator or of an op.
  public init(seed: UInt64, options: Options = Options()) throws {
    self.seed = seed
    var builder = RandomGraphBuilder(seed: seed, options: options)
    try builder.build()
    (graph, bindings, offsets) = (builder.graph, builder.bindings, builder.offsets)
    do { try graph.verify() } catch let error as HeedError { throw error.during("seed \(seed)\n\(builder.graph.text)\n") }
  }

  /// The seed and the graph's text: what a failing test prints.
  public var description: String { "seed \(seed)\n\(graph.text)" }

  /// Random values of the symbols that hold to the graph's facts: lengths around those of vectors and tiles, and sometimes none.
  public func binding(using numbers: inout SeededGenerator) -> [Name: Int] {
    func length() -> Int {
      if Int.random(in: 0..<20, using: &numbers) == 0 { return 0 }
      return numbers.pick([true, false])
        ? numbers.pick([1, 2, 3, 4, 5, 7, 8]) : numbers.pick([15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 96, 97])
    }
    let s = graph.facts.contains(.divisible("S", by: 4)) ? (length() + 3) / 4 * 4 : length()
    let t = graph.facts.contains(.equal("T", "2*S")) ? 2 * s : length()
    return ["B": numbers.pick([1, 2, 3]), "S": s, "T": t]
  }

  /// An array for every argument: floats in -2 ..< 2 rounded to their type, integers in 0 ..< 6, bools, rising segment offsets.
  public func inputs(_ binding: [Name: Int], seed: UInt64 = 1) throws -> [Name: ReferenceArray] {
    var numbers = SeededGenerator(seed: seed)
    var inputs: [Name: ReferenceArray] = [:]
    for argument in graph.arguments {
      let (name, type) = (graph.name(argument.value), graph.type(argument.value))
      let shape = try type.shape.evaluate { binding[$0] }
      let rows = try offsets[name]?.evaluate { binding[$0] }
      inputs[name] = numbers.array(type.element, shape, offsetsOf: rows)
    }
    return inputs
  }
}

extension SeededGenerator {
  /// Floats in -2 ..< 2 rounded to their type, integers in 0 ..< 6, bools; or offsets that rise from 0 to a number of rows.
  public mutating func array(_ element: ElementType, _ shape: [Int], offsetsOf rows: Int? = nil) -> ReferenceArray {
    let count = shape.reduce(1, *)
    if let rows {
      let inner = (0..<max(count - 2, 0)).map { _ in Int64.random(in: 0...Int64(rows), using: &self) }.sorted()
      return ReferenceArray(element, shape, integers: count < 2 ? [0] : [0] + inner + [Int64(rows)])
    }
    if element.isFloat {
      return ReferenceArray(element, shape, reals: (0..<count).map { _ in element.round(.random(in: -2..<2, using: &self)) })
    }
    let limit: Int64 = element == .bool ? 2 : 6
    return ReferenceArray(element, shape, integers: (0..<count).map { _ in .random(in: 0..<limit, using: &self) })
  }
}

package import HeedArrays
internal import HeedIR
public import HeedRuntime

extension LoweredGraph {
  /// The bytes that a call takes, before anything runs.
  /// - Parameter sizes: the values of the graph's symbols. Those that nothing else determines are needed.
  /// - Throws: where a symbol has no value or is unknown, or an extent or a promise about extents does not hold.
  public func memoryPlan(sizes: [String: Int] = [:]) throws -> MemoryPlan {
    let binding = try graph.binding(sizes)
    return try MemoryPlan(program, binding, recomputed: graph.recomputations(binding))
  }
}

extension Graph {
  /// The values of all symbols in a call with arrays of these shapes; nil where they do not fit, which the call will say.
  package func sizes(of arrays: [(name: String, array: NDArray)]) -> [String: Int]? {
    let shapes = Dictionary(arrays.map { ($0.name, $0.array.shape) }, uniquingKeysWith: { first, _ in first })
    let known = arguments.compactMap { argument in
      shapes[name(argument.value).text].map { (name: name(argument.value), shape: type(argument.value).shape, actual: $0) }
    }
    guard let binding = try? SymbolBinding.solve(known, facts: facts) else { return nil }
    let sizes = symbols.compactMap { symbol in binding[symbol].map { (symbol.text, $0) } }
    return sizes.count == symbols.count ? Dictionary(uniqueKeysWithValues: sizes) : nil
  }

  /// The values of all symbols.
  /// - Throws: where one has no value or is unknown, or a promise does not hold.
  func binding(_ sizes: [String: Int]) throws -> [Name: Int] {
    let known = symbols.map(\.text)
    let list = known.isEmpty ? "none: its extents are fixed" : known.joined(separator: ", ")
    if let stray = sizes.keys.sorted().first(where: { !known.contains($0) }) {
      throw HeedError("got a size of \(stray), expected sizes of the symbols of @\(name): \(list)")
    }
    let missing = known.filter { sizes[$0] == nil }
    guard missing.isEmpty else {
      throw HeedError("got no size of \(missing.joined(separator: ", ")), expected sizes of the symbols of @\(name): \(list)")
    }
    if let negative = sizes.keys.sorted().first(where: { sizes[$0]! < 0 }) {
      throw HeedError("got the size \(negative) = \(sizes[negative]!), expected at least 0")
    }
    var binding = Dictionary(uniqueKeysWithValues: sizes.map { (Name($0.key), $0.value) })
    try SymbolBinding.define(&binding, by: facts)
    for fact in facts { try fact.check(binding) }
    return binding
  }

  /// What the blocks `recompute` compute, without what costs nothing.
  fileprivate func recomputations(_ binding: [Name: Int]) throws -> [MemoryPlan.Recomputation] {
    try body.compactMap { node in
      guard !recomputations(around: node).isEmpty, !op(node).has(.view), op(node) != .constant else { return nil }
      return MemoryPlan.Recomputation(
        value: label(results(node)[0]), op: op(node).mnemonic,
        flops: try op(node).cost(CostQuery(self, node)).flops.evaluate { binding[$0] })
    }
  }
}

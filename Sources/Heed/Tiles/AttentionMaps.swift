package import HeedArrays
package import HeedIR
internal import HeedInterpreter
package import HeedLowering

/// The maps of one attention op: one for each mask that its heads have.
package struct AttentionMaps {
  /// Heads with one mask.
  package struct Heads {
    /// The batch indices of each.
    package fileprivate(set) var batches: [[Int]]
    package let map: TileMap
  }

  /// The most heads whose masks are looked at.
  package static let mostHeads = 16

  package let name: Name
  /// The distinct masks, by their first heads.
  package private(set) var heads: [Heads] = []
  /// The number of all heads of all sequences.
  package let headCount: Int
  /// Whether the mask depends on the batch indices.
  package let dependsOnHead: Bool
  /// The heads that were looked at.
  package let seen: Int
  /// Operations on a pair: of its score and of its value.
  package let flopsOfPair: Int

  /// - Parameters:
  ///   - binding: the values of the graph's symbols.
  ///   - given: the inputs that masks read, by name.
  /// - Throws: where an input that a mask reads is not given, or there are too many tiles.
  package init(
    _ graph: Graph, _ node: NodeID, target: Target, binding: [Name: Int], given: [Name: NDArray]
  ) throws {
    let result = graph.results(node).first!
    name = graph.name(result)
    let shape = try graph.type(result).shape.evaluate { binding[$0] }
    let depth = try graph.type(graph.operands(node).first!).shape.evaluate { binding[$0] }.last!
    flopsOfPair = 2 * (depth + shape.last!)
    let batch = Array(shape.dropLast(2))
    headCount = batch.reduce(1, *)
    let condition = graph.region(node, "where")!
    let used = Set(condition.instructions.flatMap(\.operands) + condition.results)
    let dims = batch.indices.filter { used.contains(condition.parameter($0)) }
    dependsOnHead = !dims.isEmpty
    let tables = try Self.tables(graph, node, condition, binding, given)
    let all = dims.reduce(1) { $0 * batch[$1] }
    seen = min(all, Self.mostHeads)
    for number in 0..<seen {
      var (indices, rest) = (Array(repeating: 0, count: batch.count), number)
      for dim in dims.reversed() {
        (rest, indices[dim]) = rest.quotientAndRemainder(dividingBy: batch[dim])
      }
      let map = try TileMap(
        graph, node, target: target, binding: binding, batch: indices, tables: tables)
      if let same = heads.firstIndex(where: { $0.map.visits == map.visits }) {
        heads[same].batches.append(indices)
      } else {
        heads.append(Heads(batches: [indices], map: map))
      }
    }
  }

  /// The captured tensors; zeros for those that the mask does not read.
  private static func tables(
    _ graph: Graph, _ node: NodeID, _ condition: ScalarFunction, _ binding: [Name: Int],
    _ given: [Name: NDArray]
  ) throws -> [ReferenceArray] {
    let captured = Array(graph.captured(node))
    var read = Set(
      condition.instructions.compactMap {
        if case .element(let table) = $0.operation { table } else { nil }
      })
    if let ragged = graph.attributes(node)[.ragged] { read.insert(ragged.number) }
    let order = read.sorted()
    let inputs = given.mapValues { ReferenceArray($0) }
    do {
      let values = try GraphInterpreter.values(
        order.map { captured[$0] }, of: graph, inputs: inputs, binding: binding)
      return captured.indices.map { table in
        order.firstIndex(of: table).map { values[$0] }
          ?? ReferenceArray(graph.type(captured[table]).element, [0])
      }
    } catch let error as HeedError {
      throw error.during("the mask of %\(graph.name(graph.results(node).first!))")
    }
  }

  /// How often the kernels evaluate the mask's interval extension, or the mask, in all heads.
  package var evaluations: Double {
    Double(Self.sum(heads) { $0.map.evaluations.values.reduce(0, +) }) * Double(headCount)
      / Double(max(1, seen))
  }

  /// Operations on the pairs attended to, in all heads, about.
  package var attendedFlops: Double {
    attendedPairs * Double(flopsOfPair)
  }

  /// The pairs attended to, in all heads, about.
  package var attendedPairs: Double {
    Double(Self.sum(heads) { $0.map.attendedPairs }) * Double(headCount) / Double(max(1, seen))
  }

  private static func sum(_ heads: [Heads], _ count: (Heads) -> Int) -> Int {
    heads.reduce(0) { $0 + count($1) * $1.batches.count }
  }
}

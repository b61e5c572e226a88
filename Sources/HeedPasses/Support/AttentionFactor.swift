import HeedIR

/// What the weights of a softmax are multiplied by before they weigh the values: dropout with a given mask, gates of pairs or keys.
struct AttentionFactor {
  /// Code over the weight, which the result does not depend on, and the pair's indices.
  private let code: FunctionBuilder
  private let result: ScalarValue
  /// The tensors that it reads, by number in the region.
  let tables: [ValueID]

  /// The factor that leads from the softmax's weights to those of the sum; nil where they are the same.
  /// - Parameters:
  ///   - indices: the index parameters of the op's regions.
  ///   - index: the value of an axis's index where one parameter stands before the indices.
  /// - Throws: `Declined` where the weights of the sum are not proportional to those of the softmax, or the factor depends on scores.
  init?(
    _ sum: WeightedSum, product: NodeID, _ indices: [ScalarFunction.Parameter], index: (AttentionAxis) -> ScalarValue
  ) throws {
    guard let changed = sum.weights.changed else { return nil }
    let (graph, indexType) = (sum.graph, indices[0].type)
    let weight = ScalarFunction.Parameter("p", graph.type(sum.weights.value).element)
    var reader = TensorReader(
      graph: graph, scores: sum.weights.value, indexType: indexType,
      region: FunctionBuilder(parameters: [weight] + indices, rules: .scores), tables: sum.tables, through: sum.node)
    let zero = reader.region.constant(0, indexType)
    func decline(_ reason: String, instead: String? = nil) -> Declined {
      Declined(value: changed, reason: reason, instead: instead)
    }
    let value: ScalarValue
    do { value = try reader.read(changed, at: sum.changedAxes.map { $0.map(index) ?? zero }) } catch let declined as Declined {
      throw decline("the probabilities are changed before they weigh the values: \(declined.reason)")
    }
    let own: [ScalarValue] = sum.axes.map { $0.map(index) ?? zero }
    var split = FactorSplit(region: reader.region)
    guard reader.scoreIndices.map({ $0 == own }) ?? false, let factor = split.factor(of: value) else {
      throw decline(
        "the probabilities are changed by \(graph.description(of: changed)) before they weigh the values, not multiplied by a factor of each pair",
        instead: "apply it to the scores, or to the sums")
    }
    tables = reader.tables
    let read = split.region.function.tables(of: [factor]).map { reader.tables[$0] }
    let inside = graph.dependents(of: graph.result(product), through: sum.node)
    for table in read {
      guard let node = graph.definingNode(table), inside.contains(node) || node == product else { continue }
      throw decline(
        "the factor \(graph.label(table)) of the probabilities is made from the scores",
        instead: "a factor of indices, of tables, or a number of each row or key fuses")
    }
    if split.region.literal(factor)?.real == 1 { return nil }
    (code, result) = (split.region, factor)
  }

  /// The tables that it reads, in order.
  var readTables: [Int] { code.function.tables(of: [result]).sorted() }

  /// The region of the op, of type `element`.
  /// - Parameters:
  ///   - declared: the op's captured tensors.
  ///   - map: the number among them of each table that it reads.
  func function(
    _ element: ElementType, _ indices: [ScalarFunction.Parameter], _ declared: [ScalarFunction.Table], _ map: [Int: Int]
  ) -> ScalarFunction {
    var builder = code
    let converted = builder.apply(.convert, [result], type: element)
    return builder.function.extracting(
      [converted], parameters: indices, numbers: Array(1...indices.count), tables: declared, tableMap: map)
  }
}

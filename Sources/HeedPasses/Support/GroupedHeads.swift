import HeedIR

/// Heads of queries that share heads of keys and values: a batch dimension of attention in which keys are a repetition,
/// `[B, 2, N, D]` broadcast to `[B, 2, 3, N, D]` and reshaped to `[B, 6, N, D]`.
///
/// A repetition merged with another dimension has no strides and would be stored. With the dimension in its two parts, keys and
/// values are plain views and the queries are reshaped, which costs nothing.
struct GroupedHeads {
  /// The batch dimension that is split.
  let batch: Int
  let outer: Extent
  let inner: Extent
  /// The keys and values before their dimensions were merged, nil where they were not.
  let sources: [ValueID?]

  /// The groups of the keys or values of a plan.
  init?(_ plan: AttentionPlan) {
    let graph = plan.sum.graph
    let operands = [(plan.key, plan.keyAxes), (plan.values, plan.sum.valueAxes.map { $0 })]
    let merged = operands.map { Self.merged($0, $1, graph) }
    guard let first = merged.compactMap({ $0 }).first else { return nil }
    (batch, outer, inner) = (first.batch, first.outer, first.inner)
    sources = merged.map {
      $0.flatMap { $0.batch == first.batch && $0.outer == first.outer && $0.inner == first.inner ? $0.source : nil }
    }
  }

  private struct Merged {
    var batch: Int
    var outer: Extent
    var inner: Extent
    var source: ValueID
  }

  /// The repetition that `value` was merged from.
  private static func merged(_ value: ValueID, _ axes: [AttentionAxis?], _ graph: Graph) -> Merged? {
    guard let source = graph.match(value, .reshape)?[0], let repetition = graph.definingNode(source, where: .broadcast),
      graph.repeatsElements(repetition)
    else { return nil }
    let from = graph.type(source).shape.extents
    guard let runs = ReshapeRuns(from: from, to: graph.type(value).shape.extents, facts: graph.facts)?.runs else { return nil }
    let merges = runs.filter { $0.from.count != 1 || $0.to.count != 1 }
    guard merges.count == 1, let merge = merges.first, merge.from.count == 2, merge.to.count == 1,
      case .batch(let batch) = axes[merge.to.lowerBound], from[merge.from.lowerBound + 1].constant != nil
    else { return nil }
    return Merged(batch: batch, outer: from[merge.from.lowerBound], inner: from[merge.from.lowerBound + 1], source: source)
  }

  /// An axis in the dimensions after the split: the batch dimension becomes two.
  func split(_ axis: AttentionAxis?) -> [AttentionAxis?] {
    guard case .batch(let number) = axis else { return [axis] }
    if number == batch { return [.batch(number), .batch(number + 1)] }
    return [.batch(number > batch ? number + 1 : number)]
  }

  func split(_ extents: [Extent]) -> [Extent] {
    extents.enumerated().flatMap { $0.offset == batch ? [outer, inner] : [$0.element] }
  }

  /// `value` with the batch dimension in two.
  func split(_ value: ValueID, _ axes: [AttentionAxis?], in graph: inout Graph) throws -> ValueID {
    guard axes.contains(.batch(batch)) else { return value }
    let type = graph.type(value)
    let shape = zip(axes, type.shape.extents).flatMap { $0 == .batch(batch) ? [outer, inner] : [$1] }
    return try graph.appendResult(.reshape, [value], stated: TensorType(type.element, Shape(shape)))
  }

  /// A region over the indices after the split; `leading` parameters come before the indices.
  func split(_ region: ScalarFunction, leading: Int) throws -> ScalarFunction {
    let count = region.parameters.count - leading
    let names = ScalarFunction.indexNames(batch: count - 1)
    let type = region.parameters[leading].type
    var new = FunctionBuilder(
      parameters: region.parameters.prefix(leading) + names.map { ScalarFunction.Parameter($0, type) }, tables: region.tables)
    var arguments = (0..<leading).map { new.parameter($0) }
    let isUsed = region.results.contains { region.parameters(of: $0).contains(leading + batch) }
    for number in 0..<count {
      let position = leading + (number > batch ? number + 1 : number)
      guard number == batch, isUsed, let width = inner.constant else {
        arguments.append(new.parameter(position))
        continue
      }
      let base = new.apply(.multiply, new.parameter(position), new.constant(Literal(width), type))
      arguments.append(new.apply(.add, base, new.parameter(position + 1)))
    }
    return new.finish(new.inline(region, arguments))
  }
}

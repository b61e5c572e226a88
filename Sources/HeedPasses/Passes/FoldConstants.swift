import HeedIR

extension GraphPass {
  /// `fold-constants` computes what depends on constants alone.
  ///
  ///     %d = extent {value = [64]} : f32
  ///     %r = sqrt %d : f32
  ///     %y = divide %x, %r : f32[S]
  /// becomes
  ///     %r = constant {value = [8.0]} : f32
  ///     %y = divide %x, %r : f32[S]
  ///
  /// Legal because the ops' own definitions compute the numbers, rounded to their types. Tensors of more than 4096 elements are
  /// left, so that the graph stays small, and so are iotas, in which masks are recognised.
  public static let foldConstants = GraphPass(
    "fold-constants", summary: "compute what depends on constants alone"
  ) { graph, context in
    try graph.rewrite(&context, rules: [foldExtent, foldNode])
  }

  private static let largestFold = 4096

  /// An extent without symbols is a number.
  private static func foldExtent(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    guard state.graph.op(node) == .extent, let value = state.graph.attributes(node).required(.extentValue)[0].constant else {
      return nil
    }
    let element = state.graph.type(state.graph.result(node)).element
    guard let literal = Literal(value).converted(to: element) else { return nil }
    return try state.graph.appendScalar(literal, element)
  }

  private static func foldNode(_ state: inout RewriteState, _ node: NodeID) throws -> ValueID? {
    let graph = state.graph
    let (op, inputs, type) = (graph.op(node), graph.inputs(node), graph.type(graph.result(node)))
    guard !inputs.isEmpty, !op.has(.fused), let count = type.shape.count.constant, count <= largestFold else { return nil }
    // A broadcast of one number stays: elementwise ops use the number itself.
    if op == .broadcast, graph.uniformConstant(inputs[0]) != nil { return nil }
    let operands = inputs.compactMap(graph.constantArray)
    guard operands.count == inputs.count else { return nil }
    // An attribute may depend on a symbol though the result's extents do not.
    guard
      let evaluation = try? Evaluation(
        op: op, operands: operands, attributes: graph.attributes(node), regions: Array(graph.regions(node)),
        operandTypes: inputs.map(graph.type), resultTypes: [type], binding: [:]),
      let array = try? op.evaluate(evaluation)[0]
    else { return nil }
    let values = (0..<array.count).compactMap { array[$0].converted(to: type.element) }
    guard values.count == array.count else { return nil }
    return try state.graph.appendResult(
      .constant, [], attributes: [Attribute(.constantValue, values)], stated: type)
  }
}

extension Graph {
  /// The elements of a constant.
  fileprivate func constantArray(_ value: ValueID) -> ReferenceArray? {
    guard let node = definingNode(value, where: .constant) else { return nil }
    let type = type(value)
    let shape = type.shape.extents.compactMap(\.constant)
    guard shape.count == type.rank else { return nil }
    var array = ReferenceArray(type.element, shape)
    for (position, literal) in attributes(node).required(.constantValue).enumerated() {
      array[position] = literal.converted(to: type.element)!
    }
    return array
  }
}

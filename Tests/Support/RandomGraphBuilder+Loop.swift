import HeedIR

extension RandomGraphBuilder {
  /// A loop over the first dimension of a value: `h = tanh(h w + x)` or a sum, with or without rows, history and fewer steps.
  mutating func addLoop(_ operand: Value) throws {
    guard operand.type.element.isFloat else { return }
    let (element, steps) = (operand.type.element, operand.type.shape[0])
    let row = TensorType(element, Shape(operand.type.shape.extents.dropFirst()))
    let sequence = try tamed(operand, to: 2)
    let initial = try emit(
      .broadcast, [constant(0.5, element)], attributes: [Attribute(.dims, [])], stated: row, bound: 0.5, isExact: true)
    let factor = try tamed(pick(where: { $0.type.rank == 0 && $0.type.element == element }) ?? constant(0.25, element), to: 1)

    var body = Graph(name: "body")
    let (state, input) = (body.addArgument("state", row, role: .state), body.addArgument("x", row))
    let scale = body.addArgument("factor", TensorType(element, .scalar), role: .parameter)
    func append(_ op: Op, _ operands: ValueID...) throws -> ValueID {
      let node = try body.append(op, operands)
      return body.result(node)
    }
    let kept = try append(.multiply, state, scale)
    let new = try append(.tanh, append(.add, kept, input))
    let returned = chance(0.7) ? [chance(0.5) ? new : kept] : []
    body.setResults(returned + [new], names: returned.map { _ in "row" } + ["state"])

    var attributes = [Attribute(.steps, [steps])]
    if chance(0.3) { attributes.append(Attribute(.reverse, true)) }
    if chance(0.3) { attributes.append(Attribute(.history, true)) }
    if chance(0.2) { attributes.append(Attribute(.stepCount, [steps - 1])) }
    try emit(.loop, [initial, sequence, factor], attributes: attributes, body: body, bound: 1)
  }
}

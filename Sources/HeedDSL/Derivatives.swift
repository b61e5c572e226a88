import HeedIR

/// The gradients of a number with respect to tensors: reverse mode.
///
/// ```swift
/// let loss = ((model(x) - y) * (model(x) - y)).mean()
/// return [loss] + gradients(of: loss, with: g.parameters)
/// ```
///
/// The gradients are tensors like others, so that they can be differentiated again. Each has the type of its tensor, and a name where that
/// has one: `gradient.weight`, or `gradient2.weight` and so on where that is taken. A tensor that the number does not depend on has zeros.
/// - Parameters:
///   - output: what is differentiated: one float, or floats where `cotangent` is there.
///   - inputs: floats: arguments, or values that the output is computed from.
///   - cotangent: of the output's type: what each of its elements counts for in the sum that is differentiated.
public func gradients(
  of output: Tensor, with inputs: [Tensor], cotangent: Tensor? = nil, file: String = #filePath, line: Int = #line
) -> [Tensor] {
  gradients(of: [output], with: inputs, cotangents: cotangent.map { [$0] }, file: file, line: line)
}

/// The gradients of the sum of several numbers with respect to tensors.
/// - Parameter cotangents: one per output, of its type; where there are none, each output is one number.
public func gradients(
  of outputs: [Tensor], with inputs: [Tensor], cotangents: [Tensor]? = nil, file: String = #filePath, line: Int = #line
) -> [Tensor] {
  let request = DerivativeRequest("gradients", outputs: outputs, inputs: inputs, CallSite(file, line))
  guard let builder = request.builder, request.isValid(partners: cotangents, of: outputs, "cotangent") else {
    return inputs.map { (GraphBuilder.running ?? $0.builder).poison($0.type) }
  }
  for output in outputs where cotangents == nil && output.rank > 0 {
    builder.fail(
      "gradients: got the output \(output.summary), expected one number, such as its sum, or a cotangent", request.site)
  }
  guard !inputs.isEmpty else { return [] }
  let seeds = cotangents ?? outputs.map { builder.constant([Literal(1.0)], TensorType($0.element, .scalar), request.site) }
  return request.emit(.vjp, outputs + seeds + inputs, named: "gradient", after: inputs)
}

/// The derivative of a tensor along a direction: forward mode. It is the sum over the inputs of the derivative with respect to each, times
/// its tangent, and has the output's type; its name is `derivative.` and the output's.
/// - Parameters:
///   - inputs: floats: arguments, or values that the output is computed from.
///   - tangents: one per input, of its type.
public func jvp(
  of output: Tensor, with inputs: [Tensor], tangents: [Tensor], file: String = #filePath, line: Int = #line
) -> Tensor { jvp(of: [output], with: inputs, tangents: tangents, file: file, line: line)[0] }

/// The derivatives of several tensors along one direction.
/// - Parameter tangents: one per input, of its type.
public func jvp(
  of outputs: [Tensor], with inputs: [Tensor], tangents: [Tensor], file: String = #filePath, line: Int = #line
) -> [Tensor] {
  let request = DerivativeRequest("jvp", outputs: outputs, inputs: inputs, CallSite(file, line))
  guard let builder = request.builder, request.isValid(partners: tangents, of: inputs, "tangent"),
    builder.expect(!inputs.isEmpty, "jvp: got no inputs, expected at least one", request.site)
  else { return outputs.map { (GraphBuilder.running ?? $0.builder).poison($0.type) } }
  return request.emit(.jvp, outputs + inputs + tangents, named: "derivative", after: outputs)
}

/// What a call asks to differentiate.
private struct DerivativeRequest {
  /// The called function.
  let title: String
  let outputs: [Tensor]
  let inputs: [Tensor]
  let site: CallSite
  /// What builds the graph; nil after a mistake: there are no outputs.
  let builder: GraphBuilder?

  init(_ title: String, outputs: [Tensor], inputs: [Tensor], _ site: CallSite) {
    (self.title, self.outputs, self.inputs, self.site) = (title, outputs, inputs, site)
    builder = outputs.first?.builder
    guard builder == nil else { return }
    let message = "\(title): got no outputs, expected at least one"
    if let input = inputs.first { input.builder.fail(message, site) } else { _ = GraphBuilder.fail(message, site) }
  }

  /// Whether the request can be made; records what is wrong with it.
  /// - Parameters:
  ///   - partners: a tensor for each of `tensors`, of its type; nil where the call has none.
  ///   - role: what a partner is called.
  func isValid(partners: [Tensor]?, of tensors: [Tensor], _ role: String) -> Bool {
    let builder = builder!
    let all = outputs + inputs + (partners ?? [])
    guard builder.areOwn(all, title, site), builder.graph.failure == nil else { return false }
    func expect(_ condition: Bool, _ message: @autoclosure () -> String) -> Bool {
      builder.expect(condition, "\(title): \(message())", site)
    }
    for (tensors, role) in [(outputs, "output"), (inputs, "input")] {
      for tensor in tensors {
        guard expect(tensor.element.isFloat, "got the \(role) \(tensor.summary), expected floats") else { return false }
      }
    }
    for input in inputs {
      guard let output = self.output(before: input) else { continue }
      return expect(
        false, "got the input \(input.summary), which is computed from the output \(output.summary), expected one before it")
    }
    guard let partners else { return true }
    guard
      expect(partners.count == tensors.count, "got \(partners.count) \(role)s for \(tensors.count) tensors, expected one for each")
    else { return false }
    return zip(partners, tensors).allSatisfy { partner, tensor in
      expect(
        partner.element == tensor.element && builder.areEqual(partner.shape, tensor.shape),
        "got the \(role) \(partner.summary) of \(tensor.summary), expected one of its type")
    }
  }

  /// An output that `input` is computed from, where no output is made after it.
  private func output(before input: Tensor) -> Tensor? {
    let graph = builder!.graph
    guard let value = input.value, graph.definingNode(value) != nil,
      outputs.compactMap(\.value).allSatisfy({ $0 < value })
    else { return nil }
    var (pending, seen): ([ValueID], Set<ValueID>) = ([value], [])
    while let next = pending.popLast() {
      if let output = outputs.first(where: { $0.value == next }) { return output }
      guard seen.insert(next).inserted, let node = graph.definingNode(next) else { continue }
      pending += graph.operands(node)
    }
    return nil
  }

  /// Appends the request; each result is named after one of `tensors` and has its type.
  func emit(_ op: Op, _ operands: [Tensor], named kind: String, after tensors: [Tensor]) -> [Tensor] {
    let results = builder!.emitAll(op, operands, [Attribute(.outputs, outputs.count)], guesses: tensors.map(\.type), site)
    for (result, tensor) in zip(results, tensors) { builder!.name(result, kind, after: tensor) }
    return results
  }
}

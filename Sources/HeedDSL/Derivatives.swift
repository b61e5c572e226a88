import HeedIR

/// The gradients of a number with respect to tensors: reverse mode.
///
/// ```swift
/// let loss = ((model(x) - y) ** 2).mean()
/// let gradients = gradients(of: loss, with: [weight, bias])
/// ```
///
/// The gradients are tensors like others, so that they can be differentiated again. Each has the type of its tensor. A tensor that the number
/// does not depend on has zeros.
/// - Parameters:
///   - output: what is differentiated: one float, or any tensor where `cotangent` is there.
///   - cotangent: of the output's type: what each of its elements counts for in the sum that is differentiated.
public func gradients(
  of output: Tensor, with inputs: [Tensor], cotangent: Tensor? = nil, file: String = #filePath, line: Int = #line
) -> [Tensor] {
  let site = CallSite(file, line)
  let builder = output.builder
  guard
    builder.expect(
      cotangent != nil || output.rank == 0,
      "got the gradient of \(output.summary), expected that of one number, such as its sum, or a cotangent", site)
  else { return inputs.map { builder.poison($0.type) } }
  let seed = cotangent ?? builder.constant([Literal(1.0)], TensorType(output.element, .scalar), site)
  guard !inputs.isEmpty else { return [] }
  return builder.emitAll(
    .vjp, [output, seed] + inputs, [Attribute(.outputs, 1)], guesses: inputs.map(\.type), site)
}

/// The directional derivative of a tensor: forward mode. It is the sum over the inputs of the derivative with respect to each, times its
/// tangent, and has the output's type.
/// - Parameter tangents: one per input, of its type.
public func jvp(
  of output: Tensor, with inputs: [Tensor], tangents: [Tensor], file: String = #filePath, line: Int = #line
) -> Tensor {
  let site = CallSite(file, line)
  let builder = output.builder
  guard
    builder.expect(
      inputs.count == tangents.count, "got \(tangents.count) tangents for \(inputs.count) inputs, expected one for each", site)
  else { return builder.poison(output.type) }
  return builder.emit(.jvp, [output] + inputs + tangents, [Attribute(.outputs, 1)], site)
}

public import HeedIR

/// A linear map of the last dimension: `x W^T + b`. Parameters: `name.weight [outputs, inputs]`, `name.bias [outputs]`.
public struct Linear {
  public let weight: Tensor
  public let bias: Tensor?

  /// A map with tensors of one's own; the weight is `[outputs, inputs]`.
  public init(weight: Tensor, bias: Tensor? = nil) { (self.weight, self.bias) = (weight, bias) }

  public init(
    _ name: String, in g: GraphBuilder, inputs: Int, outputs: Int, hasBias: Bool = true, element: ElementType = .f32,
    file: String = #filePath, line: Int = #line
  ) {
    (weight, bias) = g.scope(name) {
      (
        g.parameter("weight", element, [Extent(outputs), Extent(inputs)], file: file, line: line),
        hasBias ? g.parameter("bias", element, [Extent(outputs)], file: file, line: line) : nil
      )
    }
  }

  /// `[..., inputs]` to `[..., outputs]`.
  public func callAsFunction(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    let site = CallSite(file, line)
    let letters = Array("abcdefghilmnopqrstuvwxyz".prefix(Swift.max(x.rank - 1, 0)))
    guard x.rank >= 1, letters.count == x.rank - 1, x.builder.areEqual(x.shape[x.rank - 1], weight.extent(-1)) else {
      return x.builder.fail(
        "Linear: got \(x.summary) for the weight \(weight.summary), expected rows of \(weight.extent(-1))", site, guess: x.type)
    }
    let subscripts = ContractSubscripts(left: letters + ["k"], right: ["j", "k"], result: letters + ["j"])
    let product = x.builder.contract(x, weight, subscripts, guess: x.type, site)
    guard let bias else { return product }
    return product.with(bias, .add, site)
  }
}

/// Rows of a table picked by integers. Parameter: `name.weight [count, size]`.
public struct Embedding {
  public let weight: Tensor

  public init(weight: Tensor) { self.weight = weight }

  public init(
    _ name: String, in g: GraphBuilder, count: Int, size: Int, element: ElementType = .f32, file: String = #filePath,
    line: Int = #line
  ) {
    weight = g.scope(name) { g.parameter("weight", element, [Extent(count), Extent(size)], file: file, line: line) }
  }

  /// `[...]` integers to `[..., size]`. An index outside the table gives a row of NaN.
  public func callAsFunction(_ indices: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    weight.gather(indices, file: file, line: line)
  }
}

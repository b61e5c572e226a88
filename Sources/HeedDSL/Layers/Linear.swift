public import HeedIR

/// A linear map of the last dimension: `x W^T + b`. Parameters: `name.weight [outputs, inputs]`, `name.bias [outputs]`, and those of an
/// adapter where `GraphBuilder.adapting` asks for one.
public struct Linear {
  /// The weight W, `[outputs, inputs]`.
  public let weight: Tensor
  /// The bias b, `[outputs]`; nil where there is none.
  public let bias: Tensor?
  /// What the rows and the weight are rounded to before they are multiplied; nil where they are not. The sums and the result have
  /// the weight's own type.
  public let factors: ElementType?
  /// What is added to the result in place of a change of the weight; nil where nothing is.
  public let adapter: LowRankAdapter?

  /// A map with given tensors; the weight is `[outputs, inputs]`.
  public init(weight: Tensor, bias: Tensor? = nil, factors: ElementType? = nil, adapter: LowRankAdapter? = nil) {
    (self.weight, self.bias, self.factors, self.adapter) = (weight, bias, factors, adapter)
  }

  /// A map whose weight and bias are parameters `name.weight` and `name.bias`, before training as in PyTorch's `nn.Linear`.
  public init(
    _ name: String, in g: GraphBuilder, inputs: Int, outputs: Int, hasBias: Bool = true, element: ElementType = .f32,
    factors: ElementType? = nil, file: String = #filePath, line: Int = #line
  ) {
    self.factors = factors
    (weight, bias) = g.scope(name) {
      (
        g.initialize(
          g.parameter("weight", element, [Extent(outputs), Extent(inputs)], file: file, line: line), .linearWeight),
        hasBias
          ? g.initialize(
            g.parameter("bias", element, [Extent(outputs)], file: file, line: line), .linearBias(inputs: inputs)) : nil
      )
    }
    adapter = g.located(file, line) { g.adapter(of: name, inputs: inputs, outputs: outputs, element: element) }
  }

  /// The weight with the change that the adapter stands for, `[outputs, inputs]`.
  var wholeWeight: Tensor { adapter.map { weight + matmul($0.up, $0.down) * $0.scale } ?? weight }

  /// `[..., inputs]` to `[..., outputs]`.
  public func callAsFunction(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    let site = CallSite(file, line)
    let letters = Array("abcdefghilmnopqrstuvwxyz".prefix(Swift.max(x.rank - 1, 0)))
    guard x.rank >= 1, letters.count == x.rank - 1, x.builder.areEqual(x.shape[x.rank - 1], weight.extent(-1)) else {
      return x.builder.fail(
        "Linear: got \(x.summary) for the weight \(weight.summary), expected rows of \(weight.extent(-1))", site, guess: x.type)
    }
    let subscripts = ContractSubscripts(left: letters + ["k"], right: ["j", "k"], result: letters + ["j"])
    func rounded(_ factor: Tensor) -> Tensor {
      guard let factors else { return factor }
      return factor.cast(to: factors, file: file, line: line).cast(to: weight.element, file: file, line: line)
    }
    let product = x.builder.contract("Linear", rounded(x), rounded(weight), subscripts, guess: x.type, site)
    let whole = bias.map { product.with($0, .add, site) } ?? product
    guard let adapter else { return whole }
    return whole.with(adapter(x, file: file, line: line), .add, site)
  }
}

/// Rows of a table picked by integers. Parameter: `name.weight [count, size]`.
public struct Embedding {
  /// The table, `[count, size]`.
  public let weight: Tensor

  /// Rows of a given table, `[count, size]`.
  public init(weight: Tensor) { self.weight = weight }

  /// Rows of a table that is the parameter `name.weight`, before training normal as in PyTorch's `nn.Embedding`.
  public init(
    _ name: String, in g: GraphBuilder, count: Int, size: Int, element: ElementType = .f32, file: String = #filePath,
    line: Int = #line
  ) {
    weight = g.scope(name) {
      g.initialize(g.parameter("weight", element, [Extent(count), Extent(size)], file: file, line: line), .normal())
    }
  }

  /// `[...]` integers to `[..., size]`. The row of an index outside the table is NaN.
  public func callAsFunction(_ indices: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    weight.gather(indices, file: file, line: line)
  }
}

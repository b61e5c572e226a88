public import HeedIR

/// Layer normalisation of the last dimension. Parameters: `name.weight [size]`, `name.bias [size]`.
public struct LayerNorm {
  /// What normalised elements are multiplied by, `[size]`.
  public let weight: Tensor
  /// What is added after that, `[size]`.
  public let bias: Tensor
  /// What is added to the variance.
  public let epsilon: Double

  /// A normalisation whose weight and bias are parameters `name.weight` and `name.bias`.
  public init(
    _ name: String, in g: GraphBuilder, size: Int, epsilon: Double = 1e-5, element: ElementType = .f32, file: String = #filePath,
    line: Int = #line
  ) {
    self.epsilon = epsilon
    (weight, bias) = g.scope(name) {
      (
        g.parameter("weight", element, [Extent(size)], file: file, line: line),
        g.parameter("bias", element, [Extent(size)], file: file, line: line)
      )
    }
  }

  /// `[..., size]` normalised along the last dimension.
  public func callAsFunction(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    layerNorm(x, scale: weight, bias: bias, epsilon: epsilon, file: file, line: line)
  }
}

/// Root-mean-square normalisation of the last dimension. Parameter: `name.weight [size]`.
public struct RMSNorm {
  /// What normalised elements are multiplied by, `[size]`.
  public let weight: Tensor
  /// What is added to the mean square.
  public let epsilon: Double

  /// A normalisation whose weight is the parameter `name.weight`.
  public init(
    _ name: String, in g: GraphBuilder, size: Int, epsilon: Double = 1e-5, element: ElementType = .f32, file: String = #filePath,
    line: Int = #line
  ) {
    self.epsilon = epsilon
    weight = g.scope(name) { g.parameter("weight", element, [Extent(size)], file: file, line: line) }
  }

  /// `[..., size]` normalised along the last dimension.
  public func callAsFunction(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    rmsNorm(x, scale: weight, epsilon: epsilon, file: file, line: line)
  }
}

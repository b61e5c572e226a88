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
        g.initialize(g.parameter("weight", element, [Extent(size)], file: file, line: line), .ones),
        g.initialize(g.parameter("bias", element, [Extent(size)], file: file, line: line), .zeros)
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
    weight = g.scope(name) { g.initialize(g.parameter("weight", element, [Extent(size)], file: file, line: line), .ones) }
  }

  /// `[..., size]` normalised along the last dimension.
  public func callAsFunction(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    rmsNorm(x, scale: weight, epsilon: epsilon, file: file, line: line)
  }
}

/// Batch normalisation in inference, by statistics that training left: `batchNorm` along a dimension. Parameters, all `[size]`:
/// `name.weight`, `name.bias`, `name.running_mean` and `name.running_var`.
public struct BatchNorm {
  /// What normalised elements are multiplied by, `[size]`.
  public let weight: Tensor
  /// What is added after that, `[size]`.
  public let bias: Tensor
  /// The mean of each channel, `[size]`.
  public let mean: Tensor
  /// The variance of each channel, `[size]`.
  public let variance: Tensor
  /// What is added to the variance.
  public let epsilon: Double

  /// A normalisation whose statistics, weight and bias are parameters.
  public init(
    _ name: String, in g: GraphBuilder, size: Int, epsilon: Double = 1e-5, element: ElementType = .f32, file: String = #filePath,
    line: Int = #line
  ) {
    self.epsilon = epsilon
    func parameter(_ part: String, _ initializer: Initializer) -> Tensor {
      g.initialize(g.parameter(part, element, [size], file: file, line: line), initializer)
    }
    (weight, bias, mean, variance) = g.scope(name) {
      (parameter("weight", .ones), parameter("bias", .zeros), parameter("running_mean", .zeros), parameter("running_var", .ones))
    }
  }

  /// `[batch, size, ...]` normalised per channel; other layouts name the dimension of the channels.
  public func callAsFunction(_ x: Tensor, dimension: Int = 1, file: String = #filePath, line: Int = #line) -> Tensor {
    batchNorm(
      x, mean: mean, variance: variance, scale: weight, bias: bias, epsilon: epsilon, dimension: dimension, file: file, line: line)
  }
}

/// Normalisation of groups of channels: `groupNorm`. Parameters: `name.weight [size]`, `name.bias [size]`.
public struct GroupNorm {
  /// What normalised elements are multiplied by, `[size]`.
  public let weight: Tensor
  /// What is added after that, `[size]`.
  public let bias: Tensor
  /// The number of groups; it divides the channels.
  public let groups: Int
  /// What is added to the variance.
  public let epsilon: Double

  /// A normalisation whose weight and bias are parameters `name.weight` and `name.bias`.
  public init(
    _ name: String, in g: GraphBuilder, groups: Int, size: Int, epsilon: Double = 1e-5, element: ElementType = .f32,
    file: String = #filePath, line: Int = #line
  ) {
    (self.groups, self.epsilon) = (groups, epsilon)
    (weight, bias) = g.scope(name) {
      (
        g.initialize(g.parameter("weight", element, [size], file: file, line: line), .ones),
        g.initialize(g.parameter("bias", element, [size], file: file, line: line), .zeros)
      )
    }
  }

  /// `[batch, size, ...]` normalised by groups of channels.
  public func callAsFunction(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    groupNorm(x, groups: groups, scale: weight, bias: bias, epsilon: epsilon, file: file, line: line)
  }
}

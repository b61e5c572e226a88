public import HeedIR

/// A function of each element between two linear maps.
public enum Activation: String, Hashable, Sendable, CaseIterable {
  case gelu
  /// GELU by tanh.
  case geluTanh
  case relu
  case silu
  case tanh

  /// The function of each element.
  public func callAsFunction(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    switch self {
    case .gelu: HeedDSL.gelu(x, file: file, line: line)
    case .geluTanh: HeedDSL.gelu(x, approximation: .tanh, file: file, line: line)
    case .relu: HeedDSL.relu(x, file: file, line: line)
    case .silu: HeedDSL.silu(x, file: file, line: line)
    case .tanh: HeedDSL.tanh(x, file: file, line: line)
    }
  }
}

/// Two linear maps with an activation between: `down(activation(up(x)))`; with a gate, `down(activation(gate(x)) * up(x))`.
public struct FeedForward {
  /// The map to the hidden size.
  public let up: Linear
  /// The map from the hidden size.
  public let down: Linear
  /// The map whose activation multiplies `up(x)`; nil where there is no gate.
  public let gate: Linear?
  /// The function of the hidden elements.
  public let activation: Activation

  /// A block with given maps, whose parameters have the names of their weight file.
  public init(up: Linear, down: Linear, gate: Linear? = nil, activation: Activation = .gelu) {
    (self.up, self.down, self.gate, self.activation) = (up, down, gate, activation)
  }

  /// Parameters: those of the linear maps `name.up`, `name.down` and, where it is gated, `name.gate`.
  public init(
    _ name: String, in g: GraphBuilder, size: Int, hiddenSize: Int, isGated: Bool = false, hasBias: Bool = true,
    activation: Activation = .gelu, element: ElementType = .f32, file: String = #filePath, line: Int = #line
  ) {
    func linear(_ part: String, _ inputs: Int, _ outputs: Int) -> Linear {
      Linear("\(name).\(part)", in: g, inputs: inputs, outputs: outputs, hasBias: hasBias, element: element, file: file, line: line)
    }
    self.init(
      up: linear("up", size, hiddenSize), down: linear("down", hiddenSize, size),
      gate: isGated ? linear("gate", size, hiddenSize) : nil, activation: activation)
  }

  /// `[..., size]` to `[..., size]`.
  public func callAsFunction(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    x.builder.located(file, line) {
      guard let gate else { return down(activation(up(x))) }
      return down(activation(gate(x)) * up(x))
    }
  }
}

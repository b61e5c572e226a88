public import HeedIR

/// What a graph takes.
extension Graph {
  /// The inputs in order, which each call takes: `x: f32[S, 64]`.
  public var inputs: [(name: String, type: TensorType)] { arguments(.input) }

  /// The parameters in order, which are loaded once: `embedding.weight: f32[1000, 64]`.
  public var parameters: [(name: String, type: TensorType)] { arguments(.parameter) }

  private func arguments(_ role: Argument.Role) -> [(name: String, type: TensorType)] {
    arguments.filter { $0.role == role }.map { (name($0.value).text, type($0.value)) }
  }
}

import HeedIR

/// Operators of ONNX with ONNX's semantics, as plain tensor math: `Attention` and `RotaryEmbedding` of the default domain, and
/// `FlexAttention` of the preview domain.
///
/// Each is a struct of the operator's attributes that is called on tensors. The compiler sees the same math as in any other graph
/// and makes the same fused op of it:
/// ```swift
/// let attend = ONNX.Attention(isCausal: true, softcap: 30, leftWindowSize: 1023)
/// return attend(q, k, v, past: (pastKey, pastValue)).output
/// ```
/// Names are ONNX's, spelled out. An optional output that the graph does not return costs nothing.
///
/// Where ONNX leaves the precision of sums to the implementation, 16-bit floats are multiplied, summed and exponentiated in f32, and
/// only the result of an operator is rounded to its type.
/// Source: https://onnx.ai/onnx/operators, and the reference implementation in the package `onnx` 1.23.
public enum ONNX {
  /// The type in which scores are computed: f32, or f64 where an operand or the asked precision is.
  static func computingType(_ tensors: [Tensor], precision: ElementType?) -> ElementType {
    tensors.contains { $0.element == .f64 } || precision == .f64 ? .f64 : .f32
  }

  /// The products of queries `[B, H, M, D]` and keys `[B, G, N, D]` times `scale`, by default 1/sqrt(D): `[B, H, M, N]` in `element`.
  ///
  /// Queries may be converted and keys repeated and converted: kernels read them as they are stored.
  static func scores(_ query: Tensor, _ key: Tensor, scale: Double?, as element: ElementType, _ caller: String) -> Tensor {
    let key = repeated(key, query.extent(1), as: element, caller)
    let products = matmul(query.cast(to: element), key.transposed())
    if let scale { return products * scale }
    if let width = query.extent(-1).constant { return width == 1 ? products : products * (1 / Double(width).squareRoot()) }
    return products * rsqrt(query.size(-1, as: element))
  }

  /// The values `[B, G, N, E]` weighed by `[B, H, M, N]`: `[B, H, M, E]`.
  static func weighedSum(_ weights: Tensor, _ value: Tensor, _ caller: String) -> Tensor {
    matmul(weights, repeated(value, weights.extent(1), as: weights.element, caller))
  }

  /// `x`, `[B, G, N, D]`, for `heads` heads: 16-bit floats are converted last, which is how attention takes them without a conversion,
  /// others first, so that they are not repeated in memory.
  private static func repeated(_ x: Tensor, _ heads: Extent, as element: ElementType, _ caller: String) -> Tensor {
    x.element.byteCount == 2
      ? x.repeatingHeads(heads, caller).cast(to: element) : x.cast(to: element).repeatingHeads(heads, caller)
  }
}

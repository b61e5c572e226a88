public import HeedIR

extension ONNX {
  /// ONNX's preview FlexAttention: `prob_mod(softmax(score_mod(scale * Q K^T))) V`.
  ///
  /// Q is `[B, H, M, D]`, K is `[B, G, N, D]` and V `[B, G, N, E]`; the result is `[B, H, M, E]`, of V's type. G divides H, and each head of
  /// keys serves H/G heads of queries in a row. A row of scores that are all -inf results in 0; ONNX does not say.
  public struct FlexAttention: Hashable, Sendable {
    /// `scale`: what products of queries and keys are multiplied by; nil for 1/sqrt(D).
    public var scale: Double?
    /// `softmax_precision`: the type that both functions see; nil for f64 of f64 operands, else f32. Softmax and sums have at least f32.
    public var softmaxPrecision: ElementType?

    /// The operator with these attributes; without them, ONNX's defaults.
    public init(scale: Double? = nil, softmaxPrecision: ElementType? = nil) {
      (self.scale, self.softmaxPrecision) = (scale, softmaxPrecision)
    }

    /// A tensor `[B, H, M, N]` from another one.
    public typealias Modifier = (Tensor) -> Tensor

    /// - Parameters:
    ///   - scoreMod: `score_mod`: from the scaled scores, those that the softmax sees; -inf masks. Elementwise ops, indices and tensors from
    ///     outside are fused.
    ///   - probMod: `prob_mod`: from the probabilities, what weighs the values. A constant factor is fused; anything else that
    ///     changes them stores them.
    public func callAsFunction(
      _ query: Tensor, _ key: Tensor, _ value: Tensor, scoreMod: Modifier? = nil, probMod: Modifier? = nil,
      file: String = #filePath, line: Int = #line
    ) -> Tensor {
      let (builder, name) = (query.builder, "ONNX.FlexAttention")
      return builder.located(file, line) {
        let operands = [query, key, value]
        guard operands.allSatisfy({ $0.rank == 4 && $0.element.isFloat }) else {
          let got = operands.map(\.summary).joined(separator: ", ")
          return builder.fail("\(name): got \(got), expected three tensors of floats of rank 4", nil, guess: query.type)
        }
        let element = ONNX.computingType(operands, precision: softmaxPrecision)
        /// `modify` applied to a tensor, in the type that it should see.
        func applied(_ modify: Modifier?, _ tensor: Tensor, _ role: String) -> Tensor {
          guard let modify else { return tensor }
          let given = tensor.cast(to: softmaxPrecision ?? element)
          let made = builder.asWritten { modify(given) }
          guard made.element == given.element, builder.areEqual(made.shape, given.shape) else {
            return builder.fail("\(name): got \(made.summary) from \(role), expected \(given.type)", nil, guess: tensor.type)
          }
          return made.cast(to: element)
        }
        let scores = ONNX.scores(query, key, scale: scale, as: element, name)
        let probabilities = softmax(applied(scoreMod, scores, "scoreMod"))
        let weights = applied(probMod, probabilities, "probMod")
        return ONNX.weighedSum(weights, value, name).cast(to: value.element)
      }
    }
  }
}

import HeedIR

/// exp(x) / sum of exp(x) along a dimension. Where all elements are -inf, the result is 0.
public func softmax(_ x: Tensor, dimension: Int = -1, file: String = #filePath, line: Int = #line) -> Tensor {
  let site = CallSite(file, line)
  guard let position = x.resolve(dimension, site) else { return x.builder.poison(x.type) }
  return x.builder.emit(.softmax, [x], [Attribute(.dim, position)], site)
}

/// log of the sum of exp(x) along a dimension, which is dropped: what a softmax divides by. Where all elements are -inf, so is the
/// result.
public func logSumExp(_ x: Tensor, dimension: Int = -1, file: String = #filePath, line: Int = #line) -> Tensor {
  let site = CallSite(file, line)
  guard let position = x.resolve(dimension, site) else { return x.builder.poison(x.type) }
  return x.builder.emit(.logSumExp, [x], [Attribute(.dim, position)], site)
}

/// (x - mean) / sqrt(variance + epsilon) * scale + bias over the last dimension, of extent D; scale and bias are `[D]`.
public func layerNorm(
  _ x: Tensor, scale: Tensor, bias: Tensor, epsilon: Double = 1e-5, file: String = #filePath, line: Int = #line
) -> Tensor {
  x.builder.emit(.layerNorm, [x, scale, bias], [Attribute(.epsilon, Literal(epsilon))], CallSite(file, line))
}

/// x / sqrt(mean of x^2 + epsilon) * scale over the last dimension, of extent D; scale is `[D]`.
public func rmsNorm(
  _ x: Tensor, scale: Tensor, epsilon: Double = 1e-5, file: String = #filePath, line: Int = #line
) -> Tensor {
  x.builder.emit(.rmsNorm, [x, scale], [Attribute(.epsilon, Literal(epsilon))], CallSite(file, line))
}

/// Rotates pairs of elements of each row by angles that depend on the row: rotary position embedding.
///
/// x is `[..., S, D]`; the cosines and sines are `[S, D/2]`. Pair p is elements p and D/2 + p; interleaved: 2p and 2p + 1.
public func rotary(
  _ x: Tensor, cosines: Tensor, sines: Tensor, interleaved: Bool = false, file: String = #filePath, line: Int = #line
) -> Tensor {
  x.builder.emit(
    .rotary, [x, cosines, sines], interleaved ? [Attribute(.interleaved, true)] : [], CallSite(file, line))
}

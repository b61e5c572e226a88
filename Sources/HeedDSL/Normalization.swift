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

/// (x - mean) / sqrt(variance + epsilon) * scale + bias with given statistics of each channel, of a dimension of extent C: batch
/// normalisation in inference. Mean, variance, scale and bias are `[C]`.
///
/// Source: Ioffe, Szegedy, "Batch normalization", 2015.
public func batchNorm(
  _ x: Tensor, mean: Tensor, variance: Tensor, scale: Tensor, bias: Tensor, epsilon: Double = 1e-5, dimension: Int = 1,
  file: String = #filePath, line: Int = #line
) -> Tensor {
  x.builder.located(file, line) {
    guard let position = x.resolve(dimension, nil), x.haveChannels("batchNorm", [mean, variance, scale, bias], position) else {
      return x.builder.poison(x.type)
    }
    // In 16 bits the two products could be too large where their difference is not.
    let wide = [x, mean, variance, scale, bias].map { $0.element.isFloat ? $0.cast(to: $0.element.computed) : $0 }
    let factor = wide[3] * rsqrt(wide[2] + epsilon)
    return (wide[0] * x.perChannel(factor, position) + x.perChannel(wide[4] - wide[1] * factor, position)).cast(to: x.element)
  }
}

/// Normalisation of groups of channels: x is `[batch, C, ...]`, and mean and variance are those of a group's `C / groups` channels with
/// all that follows them. Scale and bias are `[C]`.
///
/// Source: Wu, He, "Group normalization", 2018.
public func groupNorm(
  _ x: Tensor, groups: Int, scale: Tensor, bias: Tensor, epsilon: Double = 1e-5, file: String = #filePath, line: Int = #line
) -> Tensor {
  let g = x.builder
  return g.located(file, line) {
    guard g.graph.failure == nil, x.rank >= 2, groups >= 1, let size = x.extent(1).dividedExactly(by: groups) else {
      return g.fail(
        "groupNorm: got \(x.summary) in \(groups) groups, expected [batch, channels, ...] that they divide", nil, guess: x.type)
    }
    guard x.haveChannels("groupNorm", [scale, bias], 1) else { return g.poison(x.type) }
    let rows = x.reshape(Shape([x.extent(0), Extent(groups), x.shape.extents.dropFirst(2).reduce(size, *)]))
    guard g.graph.failure == nil else { return g.poison(x.type) }
    let (one, zero) = (g.full([rows.extent(2)], 1, x.element), g.full([rows.extent(2)], 0, x.element))
    let normal = layerNorm(rows, scale: one, bias: zero, epsilon: epsilon).reshape(x.shape)
    return normal * x.perChannel(scale, 1) + x.perChannel(bias, 1)
  }
}

extension Tensor {
  /// A number per channel, `[C]`, so that it broadcasts against this tensor, whose channels are a dimension counted from 0.
  fileprivate func perChannel(_ numbers: Tensor, _ position: Int) -> Tensor {
    numbers.reshaped(Shape([shape[position]] + shape.extents.dropFirst(position + 1).map { _ in 1 }), nil)
  }

  /// Whether there is one number per channel in each of the tensors; records where there is not.
  fileprivate func haveChannels(_ caller: String, _ tensors: [Tensor], _ position: Int) -> Bool {
    tensors.allSatisfy { numbers in
      builder.expect(
        numbers.element == element && numbers.rank == 1 && builder.areEqual(numbers.shape[0], shape[position]),
        "\(caller): got \(numbers.summary) for the channels of \(summary), expected \(element)[\(shape[position])]", nil)
    }
  }
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

import HeedIR

// Activations that are made of elementwise ops; gelu, silu, sigmoid and relu are in Elementwise.swift.

/// log(1 + x), accurate for small x.
///
/// Source: Kahan; Goldberg, "What every computer scientist should know about floating-point arithmetic", 1991, theorem 4.
public func log1p(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  x.builder.located(file, line) {
    let sum = x + 1
    let (logarithm, rounded) = (log(sum), sum - 1)
    // What the sum lost of x is made good for. An infinite sum would make the quotient NaN.
    let corrected: Tensor = select(sum == .infinity, logarithm, logarithm * (x / rounded))
    return select(rounded == 0, x, corrected)
  }
}

/// log(1 + exp(x)), without overflow.
public func softplus(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  x.builder.located(file, line) { maximum(x, 0) + log1p(exp(-abs(x))) }
}

/// x where it is positive, else `slope` times x.
///
/// Source: Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.
public func leakyRelu(_ x: Tensor, slope: Double = 0.01, file: String = #filePath, line: Int = #line) -> Tensor {
  x.builder.located(file, line) { select(x > 0, x, x * slope) }
}

/// The logarithm of the softmax along a dimension: x - logSumExp(x). Where all elements are -inf, so is the result.
public func logSoftmax(_ x: Tensor, dimension: Int = -1, file: String = #filePath, line: Int = #line) -> Tensor {
  x.builder.located(file, line) {
    guard let position = x.resolve(dimension, nil) else { return x.builder.poison(x.type) }
    // In 16 bits the logarithm of the sum would lose what the result is made of.
    let wide = x.element.isFloat ? x.cast(to: x.element.computed) : x
    let sum = logSumExp(wide, dimension: position).expandingDimension(position)
    return (wide - select(sum == -.infinity, 0, sum)).cast(to: x.element)
  }
}

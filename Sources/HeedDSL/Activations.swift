import HeedIR

// Activations that are made of elementwise ops; gelu, silu, sigmoid and relu are in Elementwise.swift.

/// log(1 + x), accurate for small x, and so is its derivative.
///
/// What the sum lost of x is made good for by the slope there, which is 1 / (1 + x).
public func log1p(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  x.builder.located(file, line) {
    let sum = x + 1
    // An infinite sum, and one of 0, have nothing to make good for.
    let isOrdinary = (sum > 0) & (sum < .infinity)
    let lost = select(isOrdinary, x - (sum - 1), 0.0)
    return log(sum) + lost / select(isOrdinary, sum, 1.0)
  }
}

/// log(1 + exp(x)), without overflow. Its derivative is the sigmoid.
public func softplus(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  x.builder.located(file, line) {
    let isPositive = x > 0
    return select(isPositive, x, 0.0) + log1p(exp(select(isPositive, -x, x)))
  }
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

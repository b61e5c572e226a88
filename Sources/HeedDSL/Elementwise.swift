public import HeedIR

// Functions of each element. Operands broadcast as in NumPy.

/// The absolute value.
public func abs(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.absolute, CallSite(file, line)) }

/// e to the power of each element.
public func exp(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.exp, CallSite(file, line)) }

/// 2 to the power of each element.
public func exp2(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.exp2, CallSite(file, line)) }

/// The natural logarithm.
public func log(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.log, CallSite(file, line)) }

/// The logarithm to base 2.
public func log2(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.log2, CallSite(file, line)) }

/// The square root.
public func sqrt(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.sqrt, CallSite(file, line)) }

/// One over the square root.
public func rsqrt(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.rsqrt, CallSite(file, line)) }

/// One over each element.
public func reciprocal(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  x.mapped(.reciprocal, CallSite(file, line))
}

/// The hyperbolic tangent.
public func tanh(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.tanh, CallSite(file, line)) }

/// The error function.
public func erf(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.erf, CallSite(file, line)) }

/// 1 / (1 + exp(-x)).
public func sigmoid(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.sigmoid, CallSite(file, line)) }

/// The sine, of radians.
public func sin(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.sin, CallSite(file, line)) }

/// The cosine, of radians.
public func cos(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.cos, CallSite(file, line)) }

/// Rounded down.
public func floor(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.floor, CallSite(file, line)) }

/// Rounded up.
public func ceil(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.ceil, CallSite(file, line)) }

/// Rounded to the nearest whole number, ties to even.
public func round(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.round, CallSite(file, line)) }

/// x * sigmoid(x).
public func silu(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { x.mapped(.silu, CallSite(file, line)) }

/// How `gelu` is computed.
public enum GELUApproximation: Hashable, Sendable {
  /// x/2 (1 + erf(x/sqrt 2)).
  case none
  /// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
  case tanh
}

/// The Gaussian error linear unit, exact unless an approximation is asked for.
public func gelu(
  _ x: Tensor, approximation: GELUApproximation = .none, file: String = #filePath, line: Int = #line
) -> Tensor {
  x.mapped(approximation == .none ? .gelu : .geluTanh, CallSite(file, line))
}

/// The greater of x and 0.
public func relu(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor { maximum(x, 0, file: file, line: line) }

/// The lesser element; the right one where either is NaN.
public func minimum(_ left: Tensor, _ right: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  left.with(right, .minimum, CallSite(file, line))
}

/// The lesser of each element and a number.
public func minimum(_ left: Tensor, _ right: Double, file: String = #filePath, line: Int = #line) -> Tensor {
  minimum(left, left.scalar(right, CallSite(file, line)), file: file, line: line)
}

/// The lesser of each element and a number.
public func minimum(_ left: Tensor, _ right: some TensorScalar, file: String = #filePath, line: Int = #line) -> Tensor {
  minimum(left, left.scalar(right, CallSite(file, line)), file: file, line: line)
}

/// The greater element; the right one where either is NaN.
public func maximum(_ left: Tensor, _ right: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  left.with(right, .maximum, CallSite(file, line))
}

/// The greater of each element and a number.
public func maximum(_ left: Tensor, _ right: Double, file: String = #filePath, line: Int = #line) -> Tensor {
  maximum(left, left.scalar(right, CallSite(file, line)), file: file, line: line)
}

/// The greater of each element and a number.
public func maximum(_ left: Tensor, _ right: some TensorScalar, file: String = #filePath, line: Int = #line) -> Tensor {
  maximum(left, left.scalar(right, CallSite(file, line)), file: file, line: line)
}

/// The base to the power of the exponent, of floats.
public func pow(_ base: Tensor, _ exponent: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  base.with(exponent, .power, CallSite(file, line))
}

/// Each element to the power of a number.
public func pow(_ base: Tensor, _ exponent: Double, file: String = #filePath, line: Int = #line) -> Tensor {
  pow(base, base.scalar(exponent, CallSite(file, line)), file: file, line: line)
}

/// Each element to the power of a number.
public func pow(_ base: Tensor, _ exponent: some TensorScalar, file: String = #filePath, line: Int = #line) -> Tensor {
  pow(base, base.scalar(exponent, CallSite(file, line)), file: file, line: line)
}

/// A number to the power of each element: `pow(2, x)`.
public func pow(_ base: Double, _ exponent: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  pow(exponent.scalar(base, CallSite(file, line)), exponent, file: file, line: line)
}

/// A number to the power of each element.
public func pow(_ base: some TensorScalar, _ exponent: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  pow(exponent.scalar(base, CallSite(file, line)), exponent, file: file, line: line)
}

/// a * b + c with one rounding, of floats.
public func fusedMultiplyAdd(_ a: Tensor, _ b: Tensor, _ c: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  a.builder.elementwise(.fusedMultiplyAdd, [a, b, c], CallSite(file, line))
}

/// The same numbers, whose derivative is 0: gradients do not flow through them. Any element type.
public func stopGradient(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  x.mapped(.stopGradient, CallSite(file, line))
}

/// The left element where the condition holds, else the right one. The other one has no influence, NaN or not.
public func select(_ condition: Tensor, _ left: Tensor, _ right: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  condition.builder.elementwise(.select, [condition, left, right], CallSite(file, line))
}

// Doubles have functions of their own, so that `-.infinity` has one meaning.

/// The left element where the condition holds, else the number.
public func select(_ condition: Tensor, _ left: Tensor, _ right: Double, file: String = #filePath, line: Int = #line) -> Tensor {
  select(condition, left, left.scalar(right, CallSite(file, line)), file: file, line: line)
}

/// The number where the condition holds, else the right element.
public func select(_ condition: Tensor, _ left: Double, _ right: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  select(condition, right.scalar(left, CallSite(file, line)), right, file: file, line: line)
}

/// The left element where the condition holds, else the number.
public func select(
  _ condition: Tensor, _ left: Tensor, _ right: some TensorScalar, file: String = #filePath, line: Int = #line
) -> Tensor {
  select(condition, left, left.scalar(right, CallSite(file, line)), file: file, line: line)
}

/// The number where the condition holds, else the right element.
public func select(
  _ condition: Tensor, _ left: some TensorScalar, _ right: Tensor, file: String = #filePath, line: Int = #line
) -> Tensor {
  select(condition, right.scalar(left, CallSite(file, line)), right, file: file, line: line)
}

/// One of two numbers, of the type `element`: `select(mask, 0, -.infinity)`.
public func select(
  _ condition: Tensor, _ left: some TensorScalar, _ right: Double, as element: ElementType = .f32, file: String = #filePath,
  line: Int = #line
) -> Tensor {
  condition.builder.select(condition, left.literal, right.literal, element, CallSite(file, line))
}

/// One of two numbers, of the type `element`: `select(mask, -.infinity, 0)`.
public func select(
  _ condition: Tensor, _ left: Double, _ right: some TensorScalar, as element: ElementType = .f32, file: String = #filePath,
  line: Int = #line
) -> Tensor {
  condition.builder.select(condition, left.literal, right.literal, element, CallSite(file, line))
}

/// One of two numbers, of the type `element`.
public func select(
  _ condition: Tensor, _ left: Double, _ right: Double, as element: ElementType = .f32, file: String = #filePath, line: Int = #line
) -> Tensor {
  condition.builder.select(condition, left.literal, right.literal, element, CallSite(file, line))
}

/// One of two numbers, of the type `element`.
public func select(
  _ condition: Tensor, _ left: some TensorScalar, _ right: some TensorScalar, as element: ElementType = .f32,
  file: String = #filePath, line: Int = #line
) -> Tensor {
  condition.builder.select(condition, left.literal, right.literal, element, CallSite(file, line))
}

extension GraphBuilder {
  fileprivate func select(_ condition: Tensor, _ left: Literal, _ right: Literal, _ element: ElementType, _ site: CallSite)
    -> Tensor
  {
    let type = TensorType(element, .scalar)
    return elementwise(.select, [condition, constant([left], type, site), constant([right], type, site)], site)
  }
}

extension Tensor {
  /// This tensor where the condition holds, else `other`: `scores.where(j <= i, else: -.infinity)`.
  public func `where`(_ condition: Tensor, else other: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    select(condition, self, other, file: file, line: line)
  }

  /// This tensor where the condition holds, else the number.
  public func `where`(_ condition: Tensor, else other: Double, file: String = #filePath, line: Int = #line) -> Tensor {
    select(condition, self, other, file: file, line: line)
  }

  /// This tensor where the condition holds, else the number.
  public func `where`(_ condition: Tensor, else other: Int, file: String = #filePath, line: Int = #line) -> Tensor {
    select(condition, self, other, file: file, line: line)
  }

  /// The elements as another type. Floats are rounded to nearest, ties to even; as integers they lose their fraction and are
  /// clamped to the range. Integers wrap. As a bool, anything but 0 is true.
  public func cast(to element: ElementType, file: String = #filePath, line: Int = #line) -> Tensor {
    converted(to: element, CallSite(file, line))
  }

  func converted(to element: ElementType, _ site: CallSite?) -> Tensor {
    if element == self.element { return self }
    return builder.elementwise(.convert, [self], stated: element, site)
  }

  /// The bits of the elements read as another type of the same size.
  public func bitcast(to element: ElementType, file: String = #filePath, line: Int = #line) -> Tensor {
    builder.elementwise(.bitcast, [self], stated: element, CallSite(file, line))
  }
}

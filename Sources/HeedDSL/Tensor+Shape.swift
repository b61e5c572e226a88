public import HeedIR

extension Tensor {
  /// The elements in the same order with other extents: `x.reshape(["T", 12, 32])`. One extent may be -1: what is left.
  public func reshape(_ shape: Shape, file: String = #filePath, line: Int = #line) -> Tensor {
    let site = CallSite(file, line)
    guard let open = shape.extents.firstIndex(of: -1) else { return reshaped(shape, site) }
    var extents = shape.extents
    extents[open] = 1
    guard builder.areValid([TensorType(element, Shape(extents))], site) else {
      return builder.poison(TensorType(element, Shape(extents)))
    }
    guard let rest = self.shape.count.divided(byProduct: Shape(extents).count) else {
      return builder.fail(
        "reshape: got \(shape) for \(summary), expected extents that divide \(self.shape.count)", site,
        guess: TensorType(element, Shape(extents)))
    }
    extents[open] = rest
    return reshaped(Shape(extents), site)
  }

  func reshaped(_ shape: Shape, _ site: CallSite?) -> Tensor {
    if shape == self.shape { return self }
    guard builder.areValid([TensorType(element, shape)], site) else { return builder.poison(TensorType(element, shape)) }
    guard builder.areEqual(shape.count, self.shape.count) else {
      return builder.fail(
        "reshape: got \(shape) of \(shape.count) elements for \(summary), expected \(self.shape.count) elements", site,
        guess: TensorType(element, shape))
    }
    return builder.emit(.reshape, [self], stated: TensorType(element, shape), site)
  }

  /// The last two dimensions exchanged.
  public func transposed(file: String = #filePath, line: Int = #line) -> Tensor {
    guard rank >= 2 else {
      return builder.fail("transposed: got \(summary), expected a tensor of rank 2 or more", CallSite(file, line), guess: type)
    }
    return permuted(Array(0..<(rank - 2)) + [rank - 1, rank - 2], CallSite(file, line))
  }

  /// The dimensions in another order: dimension `d` of the result is dimension `permutation[d]` of this tensor.
  public func transposed(_ permutation: Int..., file: String = #filePath, line: Int = #line) -> Tensor {
    let site = CallSite(file, line)
    let resolved = permutation.map { $0 < 0 ? $0 + rank : $0 }
    guard resolved.sorted() == Array(0..<rank) else {
      return builder.fail(
        "transposed: got the permutation \(permutation) of \(summary), expected each dimension once", site, guess: type)
    }
    return permuted(resolved, site)
  }

  func permuted(_ permutation: [Int], _ site: CallSite?) -> Tensor {
    if permutation == Array(0..<rank) { return self }
    return builder.emit(.transpose, [self], [Attribute(.permutation, permutation)], site)
  }

  /// A new dimension of extent 1 before dimension `dimension` of the result, counted in the result.
  public func expandingDimension(_ dimension: Int, file: String = #filePath, line: Int = #line) -> Tensor {
    let position = dimension < 0 ? dimension + rank + 1 : dimension
    guard position >= 0, position <= rank else {
      return builder.fail(
        "expandingDimension: got \(dimension) for \(summary), expected one in \(-rank - 1) ... \(rank)", CallSite(file, line),
        guess: type)
    }
    var extents = shape.extents
    extents.insert(1, at: position)
    return reshaped(Shape(extents), CallSite(file, line))
  }

  /// The tensor without a dimension of extent 1.
  public func squeezingDimension(_ dimension: Int, file: String = #filePath, line: Int = #line) -> Tensor {
    let site = CallSite(file, line)
    guard let position = resolve(dimension, site) else { return builder.poison(type) }
    guard shape[position] == 1 else {
      return builder.fail(
        "squeezingDimension: got dimension \(dimension) of \(summary), expected one of extent 1", site, guess: type)
    }
    return droppingDimensions([position], site)
  }

  func droppingDimensions(_ dimensions: [Int], _ site: CallSite?) -> Tensor {
    reshaped(Shape((0..<rank).filter { !dimensions.contains($0) }.map { shape[$0] }), site)
  }

  /// The tensor with `low` elements `value` before it and `high` after it in each dimension.
  public func padded(
    low: [any ExtentConvertible], high: [any ExtentConvertible], with value: Double, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    padded(low, high, value.literal, CallSite(file, line))
  }

  /// The tensor with `low` elements `value` before it and `high` after it in each dimension.
  public func padded(
    low: [any ExtentConvertible], high: [any ExtentConvertible], with value: some TensorScalar = 0, file: String = #filePath,
    line: Int = #line
  ) -> Tensor {
    padded(low, high, value.literal, CallSite(file, line))
  }

  private func padded(
    _ low: [any ExtentConvertible], _ high: [any ExtentConvertible], _ value: Literal, _ site: CallSite
  ) -> Tensor {
    guard let literal = value.converted(to: element) else {
      return builder.fail(
        "padded: got the number \(value.shown) for \(summary), expected one of type \(element)", site, guess: type)
    }
    return builder.emit(
      .pad, [self],
      [Attribute(.low, low.map(\.extent)), Attribute(.high, high.map(\.extent)), Attribute(.padValue, literal)],
      site)
  }
}

/// The tensors one after another along a dimension; their other extents are equal.
public func concatenate(_ tensors: [Tensor], dimension: Int = 0, file: String = #filePath, line: Int = #line) -> Tensor {
  let site = CallSite(file, line)
  guard let first = tensors.first else { return GraphBuilder.fail("concatenate: got no tensors, expected at least one", site) }
  guard let position = first.resolve(dimension, site) else { return first.builder.poison(first.type) }
  return first.builder.emit(.concatenate, tensors, [Attribute(.dim, position)], site)
}

extension Extent {
  /// The quotient by an extent of one term, where it divides every term for all values of the symbols.
  func divided(byProduct divisor: Extent) -> Extent? {
    guard divisor.terms.count == 1, let term = divisor.terms.first else { return nil }
    var quotient: [Term] = []
    for var dividend in terms {
      guard dividend.coefficient.isMultiple(of: term.coefficient) else { return nil }
      dividend.coefficient /= term.coefficient
      for factor in term.factors {
        guard let position = dividend.factors.firstIndex(of: factor) else { return nil }
        dividend.factors.remove(at: position)
      }
      quotient.append(dividend)
    }
    return Extent(quotient)
  }
}

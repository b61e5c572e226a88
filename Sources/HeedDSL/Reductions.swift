public import HeedIR

extension Tensor {
  /// The sum over dimensions; over all where none is given.
  public func sum(_ dimensions: Int..., keepingDimensions: Bool = false, file: String = #filePath, line: Int = #line) -> Tensor {
    reduced(.add, dimensions, keepingDimensions, CallSite(file, line))
  }

  /// The product over dimensions.
  public func product(_ dimensions: Int..., keepingDimensions: Bool = false, file: String = #filePath, line: Int = #line) -> Tensor
  {
    reduced(.multiply, dimensions, keepingDimensions, CallSite(file, line))
  }

  /// The largest element over dimensions; of no elements, the type's least value.
  public func max(_ dimensions: Int..., keepingDimensions: Bool = false, file: String = #filePath, line: Int = #line) -> Tensor {
    reduced(.maximum, dimensions, keepingDimensions, CallSite(file, line))
  }

  /// The least element over dimensions; of no elements, the type's largest value.
  public func min(_ dimensions: Int..., keepingDimensions: Bool = false, file: String = #filePath, line: Int = #line) -> Tensor {
    reduced(.minimum, dimensions, keepingDimensions, CallSite(file, line))
  }

  /// Whether any element over dimensions is true; for integers, the bits that any has.
  public func any(_ dimensions: Int..., keepingDimensions: Bool = false, file: String = #filePath, line: Int = #line) -> Tensor {
    reduced(.or, dimensions, keepingDimensions, CallSite(file, line))
  }

  /// Whether all elements over dimensions are true; for integers, the bits that all have.
  public func all(_ dimensions: Int..., keepingDimensions: Bool = false, file: String = #filePath, line: Int = #line) -> Tensor {
    reduced(.and, dimensions, keepingDimensions, CallSite(file, line))
  }

  /// The mean over dimensions, of floats; NaN of no elements.
  public func mean(_ dimensions: Int..., keepingDimensions: Bool = false, file: String = #filePath, line: Int = #line) -> Tensor {
    let site = CallSite(file, line)
    return statistic("mean", dimensions, site) { $0.mean($1, keepingDimensions, correction: 0, site) }
  }

  /// The mean of the squared differences from the mean over dimensions, of floats.
  ///
  /// - Parameter correction: what is taken from the number of elements that the sum is divided by: 1 for the variance of a sample.
  public func variance(
    _ dimensions: Int..., correction: Int = 0, keepingDimensions: Bool = false, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    let site = CallSite(file, line)
    return statistic("variance", dimensions, site) { $0.variance($1, keepingDimensions, correction: correction, site) }
  }

  /// The square root of the variance over dimensions, of floats.
  ///
  /// - Parameter correction: what is taken from the number of elements that the sum is divided by: 1 for that of a sample.
  public func standardDeviation(
    _ dimensions: Int..., correction: Int = 0, keepingDimensions: Bool = false, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    let site = CallSite(file, line)
    return statistic("standardDeviation", dimensions, site) {
      $0.variance($1, keepingDimensions, correction: correction, site).mapped(.sqrt, site)
    }
  }

  /// A function of floats and of dimensions counted from 0, in the type that sums have, and rounded to the element type once: 16-bit
  /// floats hold neither a large sum nor a count beyond 256 or 2048.
  private func statistic(
    _ caller: String, _ dimensions: [Int], _ site: CallSite, _ compute: (_ wide: Tensor, _ dimensions: [Int]) -> Tensor
  ) -> Tensor {
    guard element.isFloat else { return builder.fail("\(caller): got \(summary), expected a float type", site, guess: type) }
    guard let resolved = resolve(dimensions, site) else { return builder.poison(type) }
    return compute(converted(to: element.computed, site), resolved).converted(to: element, site)
  }

  /// - Parameter correction: what is taken from the number of elements that the sum is divided by.
  private func mean(_ dimensions: [Int], _ keepingDimensions: Bool, correction: Int, _ site: CallSite) -> Tensor {
    let sum = reduced(.add, dimensions, keepingDimensions, site)
    let count = dimensions.reduce(Extent(1)) { $0 * shape[$1] } - correction
    return sum.with(builder.extent(count, element, site), .divide, site)
  }

  private func variance(_ dimensions: [Int], _ keepingDimensions: Bool, correction: Int, _ site: CallSite) -> Tensor {
    let difference = with(mean(dimensions, true, correction: 0, site), .subtract, site)
    return difference.with(difference, .multiply, site).mean(dimensions, keepingDimensions, correction: correction, site)
  }

  /// Running reductions along a dimension: `r[i] = x[0] op ... op x[i]`; exclusive: without `x[i]`; reversed: from the end.
  public func scan(
    _ kind: Reduction, _ dimension: Int = -1, exclusive: Bool = false, reversed: Bool = false, file: String = #filePath,
    line: Int = #line
  ) -> Tensor {
    let site = CallSite(file, line)
    guard let position = resolve(dimension, site) else { return builder.poison(type) }
    var attributes = [Attribute(.dim, position), Attribute(.kind, kind)]
    if exclusive { attributes.append(Attribute(.exclusive, true)) }
    if reversed { attributes.append(Attribute(.reverse, true)) }
    return builder.emit(.scan, [self], attributes, site)
  }

  /// The running sum along a dimension.
  public func cumulativeSum(
    _ dimension: Int = -1, exclusive: Bool = false, reversed: Bool = false, file: String = #filePath, line: Int = #line
  ) -> Tensor {
    scan(.add, dimension, exclusive: exclusive, reversed: reversed, file: file, line: line)
  }

  private func reduced(_ kind: Reduction, _ dimensions: [Int], _ keepingDimensions: Bool, _ site: CallSite) -> Tensor {
    guard let resolved = resolve(dimensions, site) else { return builder.poison(type) }
    let result = reduced(kind, resolved, site)
    guard keepingDimensions else { return result }
    return result.reshaped(Shape((0..<rank).map { resolved.contains($0) ? 1 : shape[$0] }), site)
  }

  /// The reduction over these dimensions, counted from 0; the tensor itself where there are none.
  func reduced(_ kind: Reduction, _ dimensions: [Int], _ site: CallSite?) -> Tensor {
    if dimensions.isEmpty { return self }
    let kept = Shape((0..<rank).filter { !dimensions.contains($0) }.map { shape[$0] })
    return builder.emit(
      .reduce, [self], [Attribute(.dims, dimensions), Attribute(.kind, kind)],
      guess: TensorType(element, kept), site)
  }
}

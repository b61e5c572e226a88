import HeedIR

/// Convolution along one dimension: `[batch, channels, length]` with weights `[outputs, channels / groups, kernel]` to
/// `[batch, outputs, length']`, where `length' = floor((length + 2 padding - dilation (kernel - 1) - 1) / stride) + 1`.
///
/// The layout is that of PyTorch's `conv1d`. For a causal convolution pad before: `x.padded(low: [0, 0, 3], high: [0, 0, 0])`.
///
/// - Parameters:
///   - bias: `[outputs]`.
///   - padding: zeros before and after.
///   - groups: of channels and outputs; outputs of a group see the channels of that group. As many as channels is depthwise.
public func convolution1D(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1,
  file: String = #filePath, line: Int = #line
) -> Tensor {
  let window = Window(name: "convolution1D", stride: [stride], padding: [padding], dilation: [dilation], groups: groups)
  return x.builder.located(file, line) { window.convolve(x, weight, bias) }
}

/// Convolution along two dimensions: `[batch, channels, rows, columns]` with weights
/// `[outputs, channels / groups, kernel rows, kernel columns]` to `[batch, outputs, rows', columns']`, each as in `convolution1D`.
///
/// The layout is that of PyTorch's `conv2d`. Where the stride is the kernel, patches do not overlap and nothing is copied: that is the
/// embedding of a vision transformer's patches.
///
/// - Parameters:
///   - bias: `[outputs]`.
///   - padding: zeros before and after.
///   - groups: of channels and outputs; outputs of a group see the channels of that group. As many as channels is depthwise.
public func convolution2D(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: (rows: Int, columns: Int) = (1, 1),
  padding: (rows: Int, columns: Int) = (0, 0), dilation: (rows: Int, columns: Int) = (1, 1), groups: Int = 1,
  file: String = #filePath, line: Int = #line
) -> Tensor {
  let window = Window(
    name: "convolution2D", stride: [stride.rows, stride.columns], padding: [padding.rows, padding.columns],
    dilation: [dilation.rows, dilation.columns], groups: groups)
  return x.builder.located(file, line) { window.convolve(x, weight, bias) }
}

/// How a kernel moves over the dimensions after the first two.
private struct Window {
  let name: String
  let stride: [Int]
  let padding: [Int]
  let dilation: [Int]
  let groups: Int

  /// More places of a kernel than this are read from one copy of the windows instead of from a slice each.
  private static let mostSlices = 64

  func convolve(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor {
    guard x.builder.graph.failure == nil, let kernel = kernel(x, weight, bias) else { return x.builder.poison(x.type) }
    let sides = [0, 0] + padding
    let padded = padding.allSatisfy { $0 == 0 } ? x : x.padded(low: sides, high: sides)
    // The number of places of the kernel along each dimension.
    let counts = zip(padded.shape.extents.dropFirst(2), kernel).enumerated().map { position, extents in
      (extents.0 - (dilation[position] * (extents.1 - 1) + 1)).dividedRoundingDown(by: stride[position]) + 1
    }
    if let count = counts.first(where: { $0.constant ?? 0 < 0 || $0 == 0 }) {
      return x.builder.fail(
        "\(name): got \(x.summary) for the weight \(weight.summary), which has \(count) places", nil, guess: x.type)
    }
    let isDepthwise = weight.extent(1) == 1 && weight.extent(0) == x.extent(1) && kernel.reduce(1, *) <= Self.mostSlices
    let result = isDepthwise ? depthwise(padded, weight, kernel, counts) : product(padded, weight, kernel, counts)
    guard let bias, x.builder.graph.failure == nil else { return result }
    return result + bias.reshape(Shape([bias.extent(0)] + counts.map { _ in 1 }))
  }

  /// The extents of the kernel; nil after recording what does not fit.
  private func kernel(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> [Int]? {
    let builder = x.builder
    let form = "[outputs, channels / groups" + String(repeating: ", kernel", count: stride.count) + "]"
    let (least, rank) = ((stride + dilation + [groups]).min() ?? 1, stride.count + 2)
    guard builder.expect(least >= 1, "\(name): got a stride, dilation or number of groups of \(least), expected at least 1", nil),
      builder.expect((padding.min() ?? 0) >= 0, "\(name): got a padding of \(padding.min() ?? 0), expected at least 0", nil)
    else { return nil }
    let limit = 1 << 30
    guard builder.expect((stride + dilation + padding).allSatisfy { $0 <= limit }, "\(name): got a number above 2^30", nil) else {
      return nil
    }
    guard x.rank == rank, weight.rank == rank, let size = x.extent(1).dividedExactly(by: groups),
      builder.areEqual(size, weight.extent(1)), weight.extent(0).dividedExactly(by: groups) != nil
    else {
      builder.fail("\(name): got \(x.summary) and the weight \(weight.summary) in \(groups) groups, expected \(form)", nil)
      return nil
    }
    guard builder.haveOneFloatType(name, x, weight, nil) else { return nil }
    let kernel = weight.shape.extents.dropFirst(2).compactMap(\.constant)
    guard kernel.count == stride.count, kernel.allSatisfy({ $0 >= 1 && $0 <= 1 << 15 }) else {
      builder.fail("\(name): got the weight \(weight.summary), expected a kernel of numbers from 1 to 2^15", nil)
      return nil
    }
    guard let bias, bias.rank != 1 || !builder.areEqual(bias.extent(0), weight.extent(0)) else { return kernel }
    builder.fail("\(name): got the bias \(bias.summary) for the weight \(weight.summary), expected [outputs]", nil)
    return nil
  }

  /// One output per channel: a sum over the kernel of slices, each times a number per channel.
  private func depthwise(_ x: Tensor, _ weight: Tensor, _ kernel: [Int], _ counts: [Extent]) -> Tensor {
    var sum: Tensor?
    for place in 0..<kernel.reduce(1, *) {
      var (slice, factor, rest) = (x, weight.squeezingDimension(1), place)
      for (position, size) in kernel.enumerated().reversed() {
        let first = Extent(rest % size * dilation[position])
        slice = slice.part(
          position + 2, first, first + (counts[position] - 1) * stride[position] + 1, step: stride[position], nil)
        factor = factor.part(position + 1, Extent(rest % size), Extent(rest % size + 1), nil)
        rest /= size
      }
      let term = slice * factor.reshape(Shape([x.extent(1)] + kernel.map { _ in 1 }))
      sum = sum.map { $0 + term } ?? term
    }
    return sum ?? x
  }

  /// A contraction of the windows, `[batch, groups, channels, place, kernel, ...]`, with the weights.
  private func product(_ x: Tensor, _ weight: Tensor, _ kernel: [Int], _ counts: [Extent]) -> Tensor {
    let builder = x.builder
    // From the last dimension on, so that those before keep their numbers.
    let windows = kernel.indices.reversed().reduce(x) { self.windows($0, $1, kernel[$1], counts[$1]) }
    guard builder.graph.failure == nil else { return windows }
    let (batch, group, outputs) = (x.extent(0), Extent(groups), weight.extent(0))
    let size = weight.extent(1)
    let taken = windows.reshape(Shape([batch, group, size] + windows.shape.extents.dropFirst(2)))
    let of = weight.extent(0).dividedExactly(by: groups) ?? outputs
    let weights = weight.reshape(Shape([group, of, size] + kernel.map { Extent($0) }))
    let (places, inside) = (Array("xyz".prefix(kernel.count)), Array("ijk".prefix(kernel.count)))
    let subscripts = ContractSubscripts(
      left: ["b", "g", "c"] + zip(places, inside).flatMap { [$0, $1] }, right: ["g", "o", "c"] + inside,
      result: ["b", "g", "o"] + places)
    let product = builder.contract(name, taken, weights, subscripts, guess: x.type, nil)
    return product.reshape(Shape([batch, outputs] + counts))
  }

  /// The tensor with a spatial dimension, counted from 0, replaced by two: places of the kernel, and the elements that it has there.
  private func windows(_ x: Tensor, _ position: Int, _ size: Int, _ count: Extent) -> Tensor {
    let (dimension, stride, dilation) = (position + 2, stride[position], dilation[position])
    guard dilation == 1 || size == 1, stride == size else {
      let places = x.builder.iota([count, 1]) * stride + x.builder.iota([1, size], dimension: 1) * dilation
      return x.gather(places, dimension: dimension)
    }
    // Patches side by side: a view.
    let extents = x.shape.extents
    return x.part(dimension, 0, count * size, nil).reshape(
      Shape(extents[..<dimension] + [count, Extent(size)] + extents[(dimension + 1)...]))
  }
}

import HeedDSL
import HeedIR

extension RandomCall {
  /// Views, copies and what picks from tensors.
  nonisolated(unsafe) static let shapes: [RandomCall] = [
    RandomCall("reshape") { $0.tensor().reshape($0.shape()) },
    RandomCall("transposed") {
      let (a, b, c) = ($0.int(), $0.int(), $0.int())
      let functions: [(Tensor) -> Tensor] = [
        { $0.transposed() }, { $0.transposed(a, b) }, { $0.transposed(a) }, { $0.transposed(a, b, c) }, { $0.transposed(0, 2, 1) },
        { $0.transposed(1, 0) },
      ]
      return $0.pick(functions)($0.tensor())
    },
    RandomCall("expandingDimension squeezingDimension") {
      $0.flag() ? $0.tensor().expandingDimension($0.int()) : $0.tensor().squeezingDimension($0.int())
    },
    RandomCall("broadcast") {
      let shape = $0.shape()
      return $0.flag() ? $0.tensor().broadcast(to: shape) : $0.tensor().broadcast(to: shape, dimensions: $0.ints())
    },
    RandomCall("padded") {
      let count = $0.tensors.last!.rank
      var sides: [[any ExtentConvertible]] = [[], []]
      for side in 0..<2 { for _ in 0..<count { sides[side].append($0.convertible()) } }
      return $0.tensor().padded(low: sides[0], high: sides[1], with: $0.double())
    },
    RandomCall("concatenate stack") {
      let tensors = $0.flag() ? $0.tensorList() : Array(repeating: $0.tensor(), count: 2)
      return $0.flag() ? concatenate(tensors, dimension: $0.int()) : stack(tensors, dimension: $0.int())
    },
    RandomCall("split") {
      guard $0.flag() else { return Array($0.tensor().split($0.int(), dimension: $0.int()).prefix(4)) }
      let sizes: [any ExtentConvertible] = [$0.convertible(), $0.convertible(), $0.convertible()]
      return $0.tensor().split(sizes: Array(sizes.prefix($0.pick([0, 1, 2, 3]))), dimension: $0.int())
    },
    RandomCall("roll") { $0.tensor().roll($0.extent(), dimension: $0.int()) },
    RandomCall("tril triu") { $0.flag() ? tril($0.tensor(), diagonal: $0.int()) : triu($0.tensor(), diagonal: $0.int()) },
    RandomCall("subscript range from") {
      let (x, a, b, c) = ($0.tensor(), $0.index(), $0.index(), $0.index())
      let (text, extent, step) = ($0.extentText(), $0.extent(), $0.int())
      return $0.pick([
        { x[a] }, { x[a, b] }, { x[a, b, c] }, { x[[a, b, c, a]] }, { x[text, extent] },
        { x[.from(text, step: step), .range(extent, text)] },
        { x[.rest, extent] }, { x[a, b, c, a] }, { x[a, b, c, a, b] }, { x[a, b, c, a, b, c] }, { x[[]] },
      ])()
    },
    RandomCall("extent size index named") {
      let (x, dimension, element) = ($0.tensor(), $0.int(), $0.element())
      switch $0.pick([0, 1, 2, 3]) {
      case 0: return x.size(dimension, as: element)
      case 1: return x.index(dimension, as: element)
      case 2: return $0.g.size(x.extent(dimension), as: element)
      default: return (x + 1).named($0.name())
      }
    },
  ]

  nonisolated(unsafe) static let picking: [RandomCall] = [
    RandomCall("gather scatter scatterAdd takeAlong") {
      let (x, indices) = ($0.tensor(), $0.integer())
      switch $0.pick([0, 1, 2, 3]) {
      case 3: return x.scatter(indices, $0.tensor(), dimension: $0.int())
      case 0: return x.gather(indices, dimension: $0.int())
      case 1: return x.scatterAdd(indices, $0.tensor(), dimension: $0.int())
      default: return x.takeAlong($0.flag() ? indices : x.cast(to: .i32), dimension: $0.int())
      }
    },
    RandomCall("oneHot") { $0.integer().oneHot($0.extent(), as: $0.element()) },
    RandomCall("topK") {
      let top = $0.tensor().topK($0.int())
      return [top.values, top.indices]
    },
    RandomCall("sort argSort") {
      let sorted = $0.tensor().sort($0.int(), descending: $0.flag())
      return [sorted.values, sorted.indices, $0.tensor().argSort($0.int(), descending: $0.flag())]
    },
    RandomCall("segmentSum segmentMax segmentMean segmentSoftmax segmentMatmul") {
      let (x, offsets) = ($0.tensor(), $0.flag() ? $0.integer() : $0.g.iota([$0.extent()]))
      switch $0.pick([0, 1, 2, 3, 4]) {
      case 0: return x.segmentSum(offsets)
      case 1: return x.segmentMax(offsets)
      case 2: return x.segmentMean(offsets)
      case 3: return x.segmentSoftmax(offsets)
      default: return x.segmentMatmul($0.float(), offsets)
      }
    },
  ]

  /// What makes tensors, and what says something of extents.
  nonisolated(unsafe) static let sources: [RandomCall] = [
    RandomCall("input parameter scope") {
      let (g, name, element, shape) = ($0.g, $0.name(), $0.element(), $0.shape())
      let isInput = $0.flag()
      return g.scope($0.name()) { isInput ? g.input(name, element, shape) : g.parameter(name, element, shape) }
    },
    RandomCall("iota") { $0.g.iota($0.shape(), dimension: $0.int(), as: $0.element()) },
    RandomCall("randomKey stream randomBits uniform normal bernoulli dropout") {
      let (g, shape, element, probability) = ($0.g, $0.shape(), $0.element(), $0.pick([0, 0.25, 1, -1, .nan]))
      let key = ($0.flag() ? g.randomKey($0.int()) : g.randomKey($0.tensor(.i64), stream: $0.int())).stream($0.int())
      return switch $0.pick([0, 1, 2, 3, 4]) {
      case 0: g.randomBits(shape, key: key)
      case 1: g.uniform(shape, element, key: key)
      case 2: g.normal(shape, element, key: key)
      case 3: g.bernoulli(shape, probability: probability, key: key)
      default: $0.tensor().dropout(probability: probability, key: key)
      }
    },
    RandomCall("stopGradient") { stopGradient($0.tensor()) },
    RandomCall("constant") {
      switch $0.pick([0, 1, 2, 3]) {
      case 0: $0.g.constant($0.double(), $0.element())
      case 1: $0.g.constant($0.int(), $0.element())
      case 2: $0.g.constant($0.ints(), $0.element(), shape: $0.optional { $0.shape() })
      default: $0.g.constant($0.flag(), $0.element())
      }
    },
    RandomCall("full") {
      $0.flag() ? $0.g.full($0.shape(), $0.double(), $0.element()) : $0.g.full($0.shape(), $0.int(), $0.element())
    },
    RandomCall("size") { $0.flag() ? $0.g.size($0.extent(), as: $0.element()) : $0.g.size($0.extentText()) },
    RandomCall("segmentIDs") { $0.g.segmentIDs($0.integer(), count: $0.extent(), as: $0.element()) },
    RandomCall("assume") {
      if $0.flag() { $0.g.assume($0.extent(), isMultipleOf: $0.int()) } else { $0.g.assume($0.extent(), equals: $0.extentText()) }
      return $0.tensor()
    },
  ]

  nonisolated(unsafe) static let products: [RandomCall] = [
    RandomCall("matmul") {
      let (x, y) = ($0.float(), $0.float())
      return $0.flag() ? matmul(x, y) : matmul(x, x.transposed())
    },
    RandomCall("einsum") {
      let (x, y, text) = ($0.float(), $0.float(), $0.subscripts())
      return $0.pick([
        { einsum(text) }, { einsum(text, x) }, { einsum(text, x, y) }, { einsum(text, x, x) }, { einsum(text, x, y, x) },
      ])()
    },
    RandomCall("convolution1D") {
      let (x, weight, bias) = (
        $0.flag() ? $0.g.full(["B", 4, "S"], 1) : $0.float(), $0.convolutionWeight(3), $0.optional { $0.float() }
      )
      return convolution1D(x, weight, bias: bias, stride: $0.int(), padding: $0.int(), dilation: $0.int(), groups: $0.int())
    },
    RandomCall("convolution2D") {
      let (x, weight, bias) = (
        $0.flag() ? $0.g.full(["B", 4, "S", 8], 1) : $0.float(), $0.convolutionWeight(4), $0.optional { $0.float() }
      )
      return convolution2D(
        x, weight, bias: bias, stride: $0.pair(), padding: $0.pair(), dilation: $0.pair(), groups: $0.int())
    },
    RandomCall("rotary") {
      let (x, angles) = ($0.float(), $0.float())
      return rotary(x, cosines: angles, sines: $0.flag() ? angles : $0.float(), interleaved: $0.flag())
    },
  ]
}

extension BadArguments {
  /// A kernel, mostly for four channels.
  fileprivate mutating func convolutionWeight(_ rank: Int) -> Tensor {
    guard flag() else { return float() }
    let extents: [Extent] = [pick([4, 8, 3]), pick([1, 2, 4]), pick([1, 2, 3, 70, 0]), pick([1, 2, "T"])]
    return g.full(Shape(extents.prefix(rank)), 1)
  }
}

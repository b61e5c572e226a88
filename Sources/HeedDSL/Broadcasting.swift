public import HeedIR

extension GraphBuilder {
  /// The shape that all of these shapes broadcast to, as in NumPy: aligned at their last dimensions, extents equal or 1; or nil
  /// and the two extents that differ.
  func broadcastShape(_ shapes: [Shape]) -> (shape: Shape?, mismatch: (Extent, Extent)?) {
    let rank = shapes.map(\.rank).max() ?? 0
    var extents = [Extent](repeating: 1, count: rank)
    for shape in shapes {
      for (dimension, extent) in zip((rank - shape.rank)..., shape.extents) where extent != 1 {
        if extents[dimension] == 1 {
          extents[dimension] = extent
        } else if !areEqual(extents[dimension], extent) {
          return (nil, (extents[dimension], extent))
        }
      }
    }
    return (Shape(extents), nil)
  }

  func areEqual(_ left: Extent, _ right: Extent) -> Bool { left.isEqual(to: right, given: graph.facts) }

  func areEqual(_ left: Shape, _ right: Shape) -> Bool {
    left.rank == right.rank && zip(left.extents, right.extents).allSatisfy { areEqual($0, $1) }
  }

  /// The tensor repeated to `shape`, which its own broadcasts to.
  func broadcast(_ tensor: Tensor, to shape: Shape, _ site: CallSite?) -> Tensor {
    if areEqual(tensor.shape, shape) { return tensor }
    let dims = Array((shape.rank - tensor.rank)..<shape.rank)
    return emit(
      .broadcast, [tensor], [Attribute(.dims, dims)], stated: TensorType(tensor.element, shape), site)
  }

  /// The tensors repeated to one shape, scalars left alone; nil after recording that they do not broadcast.
  func broadcastTogether(_ tensors: [Tensor], _ op: Op, _ site: CallSite?) -> [Tensor]? {
    guard graph.failure == nil else { return nil }
    let (shape, mismatch) = broadcastShape(tensors.map(\.shape))
    guard let shape else {
      let got = tensors.map(\.summary).joined(separator: " and ")
      let (left, right) = mismatch ?? (1, 1)
      fail("\(op.mnemonic): got \(got), expected shapes that broadcast, but the extents \(left) and \(right) differ", site)
      return nil
    }
    return tensors.map { $0.rank == 0 ? $0 : broadcast($0, to: shape, site) }
  }

  /// An elementwise op on tensors that broadcast.
  func elementwise(_ op: Op, _ tensors: [Tensor], stated element: ElementType? = nil, _ site: CallSite?) -> Tensor {
    let widest = tensors.max { $0.rank < $1.rank }?.shape ?? .scalar
    let kind: ElementType =
      switch op.scalar?.rule {
      case .comparison: .bool
      case .select: tensors.last?.element ?? .f32
      case .randomBits: .i32
      default: tensors.first?.element ?? .f32
      }
    let guess = TensorType(element ?? kind, widest)
    guard areOwn(tensors, op.mnemonic, site) else { return (Self.running ?? self).poison(guess) }
    let alike = if case .select = op.scalar?.rule { tensors.dropFirst() } else { tensors[...] }
    if let odd = alike.first(where: { $0.element != alike.first?.element }), let first = alike.first {
      return fail(
        "\(op.mnemonic): got \(first.summary) and \(odd.summary), expected one element type; cast(to:) converts", site, guess: guess
      )
    }
    guard let operands = broadcastTogether(tensors, op, site) else { return poison(guess) }
    let stated = element.map { TensorType($0, operands.max { $0.rank < $1.rank }?.shape ?? .scalar) }
    return emit(op, operands, stated: stated, guess: guess, site)
  }
}

extension Tensor {
  /// The tensor repeated to `shape`, as in NumPy: its dimensions are the last ones, of equal extents or 1.
  public func broadcast(to shape: Shape, file: String = #filePath, line: Int = #line) -> Tensor {
    let (site, type) = (CallSite(file, line), TensorType(element, shape))
    guard rank <= shape.rank, let common = builder.broadcastShape([self.shape, shape]).shape, builder.areEqual(common, shape) else {
      return builder.fail("got \(summary), expected a shape that broadcasts to \(shape)", site, guess: type)
    }
    return builder.broadcast(self, to: shape, site)
  }

  /// The tensor repeated to `shape`, its dimension `d` becoming dimension `dimensions[d]` there; these rise.
  ///
  /// With ids `[S]` and scores `[B, H, S, S]`, `ids.broadcast(to: scores.shape, dimensions: [2])` is the id of each row.
  public func broadcast(to shape: Shape, dimensions: [Int], file: String = #filePath, line: Int = #line) -> Tensor {
    let resolved = dimensions.map { $0 < 0 ? $0 + shape.rank : $0 }
    return builder.emit(
      .broadcast, [self], [Attribute(.dims, resolved)], stated: TensorType(element, shape),
      CallSite(file, line))
  }

  /// An elementwise op on this tensor and another.
  func with(_ other: Tensor, _ op: Op, _ site: CallSite? = nil) -> Tensor { builder.elementwise(op, [self, other], site) }

  /// A scalar of this tensor's element type.
  func scalar(_ value: some TensorScalar, _ site: CallSite? = nil) -> Tensor {
    builder.constant([value.literal], TensorType(element, .scalar), site)
  }

  /// An elementwise op on this tensor alone.
  func mapped(_ op: Op, _ site: CallSite?) -> Tensor { builder.elementwise(op, [self], site) }
}

import HeedIR

/// A tensor of small integers that is made floats by constants, scales and zero points: `(convert(k) - z) * s`.
///
/// `value = outer * (inner * convert(integers) - zero)`, where each factor is repeated along dimensions in which it is one number.
struct Dequantised {
  /// A factor of the shape of the tensor, or a scalar.
  struct Factor {
    var value: ValueID
    var isDivisor = false
  }

  /// The integers, arranged as the tensor is.
  private(set) var integers: ValueID
  private(set) var outer: [Factor] = []
  private(set) var inner: [Factor] = []
  /// What is subtracted, of the tensor's shape or a scalar, and whether it is added instead.
  private(set) var zero: (value: ValueID, isAdded: Bool)?

  /// The ops between integers and tensor, at most.
  private static let greatestDepth = 32

  /// The tensor that `value` is; nil where it is not made from integers in that way.
  init?(_ value: ValueID, in graph: inout Graph) throws {
    var (current, views): (ValueID, [NodeID]) = (value, [])
    /// A tensor met below views, arranged as these do.
    func arranged(_ value: ValueID, _ graph: inout Graph) throws -> ValueID {
      if graph.type(value).rank == 0 { return value }
      let element = graph.type(value).element
      return try views.reversed().reduce(value) { value, view in
        try graph.appendLike(view, [value], type: TensorType(element, graph.type(graph.result(view)).shape))
      }
    }
    for _ in 0..<Self.greatestDepth {
      guard let node = graph.definingNode(current) else { return nil }
      let (op, inputs) = (graph.op(node), graph.inputs(node))
      switch op {
      case .multiply, .divide, .subtract, .add:
        let sides = inputs.map { graph.comesFromIntegers($0) }
        guard sides[0] != sides[1], sides[0] || op == .multiply || op == .add else { return nil }
        let (rest, other) = sides[0] ? (inputs[0], inputs[1]) : (inputs[1], inputs[0])
        // A scalar that is repeated has no shape of its own.
        guard graph.type(rest).rank > 0 else { return nil }
        let arrangedOther = try arranged(other, &graph)
        if op == .multiply || op == .divide {
          let factor = Factor(value: arrangedOther, isDivisor: op == .divide)
          if zero == nil { outer.append(factor) } else { inner.append(factor) }
        } else {
          guard zero == nil else { return nil }
          zero = (arrangedOther, op == .add)
        }
        current = rest
      case .transpose, .broadcast, .reshape, .slice:
        views.append(node)
        current = inputs[0]
      case .convert:
        let element = graph.type(current).element
        guard element.isFloat else { return nil }
        if let found = graph.smallIntegers(inputs[0]) {
          integers = try arranged(found.value, &graph)
          if let subtracted = found.zero {
            guard zero == nil else { return nil }
            zero = (try arranged(graph.converted(subtracted, to: element), &graph), false)
          }
          return
        }
        current = inputs[0]
      default: return nil
      }
    }
    return nil
  }
}

extension Graph {
  /// What to say of keys or values that are computed in memory from small integers; nil where they are not.
  func integersMadeFloats(_ value: ValueID) -> String? {
    var stored = value
    while let node = definingNode(stored), op(node).has(.view) { stored = inputs(node)[0] }
    guard type(value).element.isFloat, definingOp(stored)?.has(.elementwise) ?? false, !isKnownAtLoad(stored),
      let integers = values(below: stored, through: isElementwiseOrView).prefix(256).first(where: isSmall)
    else { return nil }
    let (type, count) = (type(stored), type(stored).shape.count)
    return
      "\(label(stored)) is made floats in memory, \(count * Extent(type.element.byteCount)) bytes at each call, from the "
      + "\(self.type(integers).element) of \(label(integers)): a scale for each key, each component or all would let attention read these"
  }

  /// What `value` is an integer conversion of, from i8 or u8, itself included, and the integer that is subtracted from it after that.
  fileprivate func smallIntegers(_ value: ValueID) -> (value: ValueID, zero: ValueID?)? {
    if isSmall(value) { return (value, nil) }
    guard [.i32, .i64].contains(type(value).element) else { return nil }
    if let source = match(value, .convert)?[0], isSmall(source) { return (source, nil) }
    // The difference of bytes is exact in f32 as it is in i32.
    guard let pair = match(value, .subtract), let source = match(pair[0], .convert)?[0], isSmall(source),
      match(pair[1], .convert).map({ isSmall($0[0]) }) ?? (uniformConstant(pair[1]).map { abs($0.integer) <= 255 } ?? false)
    else { return nil }
    return (source, pair[1])
  }

  private func isSmall(_ value: ValueID) -> Bool { [.i8, .u8].contains(type(value).element) && type(value).rank > 0 }

  /// Whether floats are made of small integers by arithmetic and views.
  fileprivate func comesFromIntegers(_ value: ValueID) -> Bool {
    let ops: Set<Op> = [.multiply, .divide, .subtract, .add, .transpose, .broadcast, .reshape, .slice, .convert]
    return values(below: value) { ops.contains(op($0)) && type(result($0)).element.isFloat }.prefix(256).contains { value in
      type(value).element.isFloat && match(value, .convert).map { smallIntegers($0[0]) != nil } ?? false
    }
  }
}

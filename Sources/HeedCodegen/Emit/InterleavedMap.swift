internal import HeedIR

/// A map that stores pairs of elements side by side and loads the two from different rows. Its last dimension is 2. Stores are
/// contiguous along it and the dimension before, loads along the dimension before only.
/// ```
/// map (%j : J, %e : 64, %u : 2) {
///   %0 = load %v[(%j*2 + %u)?, %e] else 0.0
///   store %0, %pairs[%j, %e, %u]
/// }
/// ```
/// It runs the body for a vector along %e, once for each %u, and stores the two results interleaved.
struct InterleavedMap {
  let map: Map
  /// The dimension that loads run along: `%e`.
  let columns: Dimension
  /// `%u`
  let pair: Dimension
  var variables: [VariableID] { [columns.variable, pair.variable] }

  /// Nil where the map has not that form.
  init?(_ map: Map, _ phase: PhaseEmitter) throws {
    guard map.dimensions.count >= 2, let pair = map.dimensions.last, pair.extent == 2, map.body.isStreaming else { return nil }
    let all = map.dimensions.map(\.variable)
    func areAll(_ expected: Int, _ accesses: [Access], _ dimension: Dimension) throws -> Bool {
      try accesses.allSatisfy { try phase.stride($0, along: dimension.variable, within: all) == expected }
    }
    let (loads, stores) = (map.body.loads.map(\.access), map.body.stores.map(\.access))
    guard try stores.allSatisfy({ !$0.isGuarded }) && areAll(1, stores, pair) else { return nil }
    let columns = try map.dimensions.dropLast().last { dimension in
      try areAll(2, stores, dimension) && loads.contains { try areAll(1, [$0], dimension) }
    }
    guard let columns else { return nil }
    (self.map, self.columns, self.pair) = (map, columns, pair)
  }
}

extension PhaseEmitter {
  func emit(_ interleaved: InterleavedMap) throws {
    let outer = interleaved.map.dimensions.filter { !interleaved.variables.contains($0.variable) }
    try emitLoops(outer[...]) {
      let extent = try uniform(interleaved.columns.extent)
      try emitter.branch(if: isPositive(extent), name: "any") { try emitPairs(interleaved, extent) }
    }
    for variable in interleaved.variables { variables[variable] = nil }
  }

  /// All pairs of a row.
  private func emitPairs(_ interleaved: InterleavedMap, _ extent: LinearIndex) throws {
    let body = interleaved.map.body
    let width = lanes(for: body)
    try begin(body, Dependence(body, on: interleaved.variables))
    let invariant = values
    let whole = roundedDown(extent, to: width)
    try emitter.loop(from: emitter.index(0), to: whole, step: width, name: "pairs") { position, _ in
      try emitPairs(interleaved, invariant, LinearIndex(position, multiple: width), width, rest: nil)
      return []
    }
    if extent.knownMultiple % width != 0 {
      let end = emitter.scalar(extent)
      if emitter.target.has(.maskedAccess) {
        let rest = builder.subtract(end, whole)
        try emitter.branch(if: builder.compare(rest, .greater, emitter.index(0)), name: "rest") {
          try emitPairs(interleaved, invariant, LinearIndex(whole, multiple: width), width, rest: rest)
        }
      } else {
        try emitter.loop(from: whole, to: end, name: "pair") { position, _ in
          variables[interleaved.columns.variable] = LinearIndex(position)
          try emitVectors(body, over: interleaved.pair.variable, extent: LinearIndex(2))
          return []
        }
      }
    }
    (lanes, mask, values) = (1, nil, invariant)
  }

  /// The pairs of a vector along the columns; only the first `rest`, if that is not nil.
  private func emitPairs(
    _ interleaved: InterleavedMap, _ invariant: [LaneValue?], _ position: LinearIndex, _ width: Int, rest: LLVMValue?
  ) throws {
    let body = interleaved.map.body
    var results: [Int: [LLVMValue]] = [:]
    for half in 0..<2 {
      (lanes, self.body, values) = (width, body, invariant)
      mask = rest.map { emitter.firstLanes($0, width) }
      variables[interleaved.columns.variable] = position
      variables[interleaved.columns.variable]!.step = emitter.index(1)
      variables[interleaved.pair.variable] = LinearIndex(half)
      try emitBody(store: { instruction, operand in
        results[instruction, default: []].append(register(operand, body.instructions[instruction].type))
        return true
      })
    }
    (lanes, mask) = (2 * width, nil)
    variables[interleaved.columns.variable] = position
    variables[interleaved.pair.variable] = LinearIndex(0)
    variables[interleaved.pair.variable]!.step = emitter.index(1)
    for (instruction, access) in body.stores {
      let (type, element) = (body.instructions[instruction].type, elementType(access.place))
      let raw = results[instruction]!.map { emitter.toMemory(emitter.convert($0, from: type, to: element), element) }
      // One after the other, then by turns: a shuffle of one vector.
      let both = builder.shuffle(raw[0], raw[1], Array(0..<2 * width))
      let pairs = builder.shuffle(both, both.type.poison, (0..<width).flatMap { [$0, width + $0] })
      guard let distance = distance(access, try access.indices.map { try evaluate($0.expression) }) else {
        preconditionFailure("pairs that are scattered")
      }
      let pointer = address(access.place, distance, mayLeave: rest != nil)
      if let rest {
        let selected = emitter.firstLanes(builder.add(rest, rest), 2 * width)
        emitter.maskedStore(pairs, pointer, selected, alignment: element.byteCount)
      } else {
        builder.store(pairs, pointer, alignment: element.byteCount)
      }
    }
  }
}

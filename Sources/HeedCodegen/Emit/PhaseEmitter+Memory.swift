internal import HeedIR

/// Loads and stores of a body for the current group of lanes.
extension PhaseEmitter {
  /// Where the lanes of an access lie.
  private enum Location {
    /// One address for all.
    case uniform(LLVMValue)
    /// Neighbours, from this address on.
    case unitStride(LLVMValue)
    /// An address for each lane.
    case scattered([LLVMValue])
  }

  /// What the guarded indices of an access demand.
  private struct Guard {
    /// One bit for all lanes; nil for always inside.
    var uniform: LLVMValue?
    /// A bit for each lane; nil for always inside.
    var lanes: LLVMValue?
    /// One bit: whether all lanes are inside; nil where each must be tested.
    var all: LLVMValue?
  }

  func elementType(_ place: Place) -> ElementType {
    switch place {
    case .buffer(let number): kernel.buffers[number].type.element
    case .tile(let number): tiles[number].tile.element
    }
  }

  // MARK: Load

  /// The elements of an access as values of type `element`; `otherwise`, or 0, where a guarded index is outside.
  func load(_ access: Access, as element: ElementType, otherwise: Literal?) throws -> LaneValue {
    let value = try loadStored(access, as: element, otherwise: otherwise)
    return switch value {
    case .uniform(let scalar): .uniform(inRegister(scalar, access, as: element))
    case .varying(let vector): .varying(inRegister(vector, access, as: element))
    case .linear: value
    }
  }

  /// What `loadStored` gave, as values of type `element` in registers.
  func inRegister(_ value: LLVMValue, _ access: Access, as element: ElementType) -> LLVMValue {
    elementType(access.place) == element ? emitter.fromMemory(value, element) : value
  }

  /// The same before it is taken from the form it has in memory, where it is of that type there already.
  func loadStored(_ access: Access, as element: ElementType, otherwise: Literal?) throws -> LaneValue {
    let indices = try access.indices.map { try evaluate($0.expression) }
    let stored = elementType(access.place)
    let limits = guards(access, indices)
    let literal = otherwise ?? Literal(0).converted(to: element)!
    let fallback = stored == element ? emitter.storedConstant(literal, element) : emitter.constant(literal, element)
    var isUniform = false
    func taken(_ raw: LLVMValue) -> LLVMValue {
      stored == element ? raw : emitter.convert(emitter.fromMemory(raw, stored), from: stored, to: element)
    }
    func fetch(_ count: Int, _ pointer: LLVMValue) -> LLVMValue {
      taken(builder.load(emitter.memoryType(stored, count), pointer, alignment: stored.byteCount))
    }
    /// One element a lane; a lane that is masked out or outside reads zeros instead of its address.
    func fetchLanes(_ pointers: [LLVMValue], _ limits: Guard) -> LLVMValue {
      let value = taken(gather(pointers, stored, both(limits.lanes, mask)))
      return limits.lanes.map { builder.select($0, value, builder.broadcast(fallback, lanes)) } ?? value
    }
    func inside() -> LLVMValue {
      switch locate(access, indices) {
      case .uniform(let pointer) where limits.lanes == nil:
        isUniform = true
        return fetch(1, pointer)
      case .uniform(let pointer): return fetchLanes(Array(repeating: pointer, count: lanes), limits)
      case .unitStride(let pointer):
        guard let selected = both(limits.lanes, mask) else { return fetch(lanes, pointer) }
        if emitter.target.has(.maskedAccess) {
          let type = emitter.memoryType(stored, lanes)
          let value = taken(emitter.maskedLoad(type, pointer, selected, alignment: stored.byteCount))
          return isZero(otherwise) ? value : builder.select(selected, value, builder.broadcast(fallback, lanes))
        }
        return ifAllInside(limits) {
          fetch(lanes, pointer)
        } else: {
          fetchLanes(consecutive(pointer, stored), limits)
        }
      case .scattered(let pointers):
        return ifAllInside(limits) {
          fetchLanes(pointers, Guard())
        } else: {
          fetchLanes(pointers, limits)
        }
      }
    }
    guard let condition = limits.uniform else {
      let value = inside()
      return isUniform || lanes == 1 ? .uniform(value) : .varying(value)
    }
    let value = emitter.branch(if: condition, name: "inside") {
      [inside()]
    } else: {
      [isUniform || lanes == 1 ? fallback : builder.broadcast(fallback, lanes)]
    }[0]
    return isUniform || lanes == 1 ? .uniform(value) : .varying(value)
  }

  private func isZero(_ literal: Literal?) -> Bool { literal.map { $0.real == 0 && $0.real.sign == .plus } ?? true }

  /// Elements at addresses of their own, as they are in memory; zeros in the lanes that are not `selected`.
  private func gather(_ pointers: [LLVMValue], _ stored: ElementType, _ selected: LLVMValue?) -> LLVMValue {
    let type = emitter.memoryType(stored, 1)
    var raw = emitter.memoryType(stored, lanes).poison
    for (lane, pointer) in pointers.enumerated() {
      let safe = selected.map { builder.select(builder.extract($0, lane: lane), pointer, zeros!) } ?? pointer
      raw = builder.insert(builder.load(type, safe, alignment: stored.byteCount), into: raw, lane: lane)
    }
    return raw
  }

  // MARK: Store

  /// Stores a value of type `element`, converted to the place's type; lanes outside are left out.
  func store(_ value: LaneValue, of element: ElementType, _ access: Access) throws {
    let indices = try access.indices.map { try evaluate($0.expression) }
    let stored = elementType(access.place)
    let limits = guards(access, indices)
    func inside() {
      let location = locate(access, indices)
      if case .uniform(let pointer) = location, limits.lanes == nil, let scalar = uniformRegister(value, element) {
        put(scalar, of: element, pointer, stored)
        return
      }
      let vector = register(value, element)
      switch location {
      case .uniform(let pointer):
        storeLanes(vector, of: element, Array(repeating: pointer, count: lanes), stored, limits)
      case .unitStride(let pointer):
        guard let selected = both(limits.lanes, mask) else { return put(vector, of: element, pointer, stored) }
        if emitter.target.has(.maskedAccess) {
          let raw = emitter.toMemory(emitter.convert(vector, from: element, to: stored), stored)
          emitter.maskedStore(raw, pointer, selected, alignment: stored.byteCount)
        } else {
          ifAllInside(limits) {
            put(vector, of: element, pointer, stored)
          } else: {
            storeLanes(vector, of: element, consecutive(pointer, stored), stored, limits)
          }
        }
      case .scattered(let pointers): storeLanes(vector, of: element, pointers, stored, limits)
      }
    }
    guard let condition = limits.uniform else { return inside() }
    emitter.branch(if: condition, name: "inside") { inside() }
  }

  private func put(_ value: LLVMValue, of element: ElementType, _ pointer: LLVMValue, _ stored: ElementType) {
    builder.store(
      emitter.toMemory(emitter.convert(value, from: element, to: stored), stored), pointer, alignment: stored.byteCount)
  }

  private func storeLanes(
    _ vector: LLVMValue, of element: ElementType, _ pointers: [LLVMValue], _ stored: ElementType, _ limits: Guard
  ) {
    let raw = emitter.toMemory(emitter.convert(vector, from: element, to: stored), stored)
    forEachLane(limits) { lane in
      builder.store(builder.extract(raw, lane: lane), pointers[lane], alignment: stored.byteCount)
    }
  }

  /// Runs a piece of code for each lane that is a point and inside, in order.
  private func forEachLane(_ limits: Guard, _ body: (_ lane: Int) -> Void) {
    let selected = both(limits.lanes, mask)
    for lane in 0..<lanes {
      guard let selected else {
        body(lane)
        continue
      }
      emitter.branch(if: builder.extract(selected, lane: lane), name: "lane") { body(lane) }
    }
  }

  // MARK: Accumulate

  /// Combines a value of type `element` into the place, lane by lane in order where lanes share an address.
  func accumulate(_ reduction: Body.Reduction, _ value: LaneValue, of element: ElementType, _ access: Access) throws {
    let indices = try access.indices.map { try evaluate($0.expression) }
    let stored = elementType(access.place)
    let limits = guards(access, indices)
    func combine(_ pointer: LLVMValue, _ count: Int, _ operand: LLVMValue) {
      let raw = builder.load(emitter.memoryType(stored, count), pointer, alignment: stored.byteCount)
      let old = emitter.convert(emitter.fromMemory(raw, stored), from: stored, to: element)
      put(emitter.combine(reduction, old, operand, element), of: element, pointer, stored)
    }
    func inside() {
      let vector = register(value, element)
      switch locate(access, indices) {
      case .uniform(let pointer) where lanes == 1: combine(pointer, 1, vector)
      case .uniform(let pointer):
        let operand = both(limits.lanes, mask).map { selected in
          builder.select(selected, vector, builder.broadcast(emitter.identity(reduction, element), lanes))
        }
        combine(pointer, 1, emitter.reduce(reduction, operand ?? vector, element))
      case .unitStride(let pointer) where both(limits.lanes, mask) == nil: combine(pointer, lanes, vector)
      case .unitStride(let pointer):
        let pointers = consecutive(pointer, stored)
        forEachLane(limits) { combine(pointers[$0], 1, builder.extract(vector, lane: $0)) }
      case .scattered(let pointers):
        forEachLane(limits) { combine(pointers[$0], 1, builder.extract(vector, lane: $0)) }
      }
    }
    guard let condition = limits.uniform else { return inside() }
    emitter.branch(if: condition, name: "inside") { inside() }
  }

  // MARK: Addresses

  private func both(_ a: LLVMValue?, _ b: LLVMValue?) -> LLVMValue? {
    guard let a else { return b }
    guard let b else { return a }
    return builder.and(a, b)
  }

  private func ifAllInside(_ limits: Guard, _ fast: () -> LLVMValue, else slow: () -> LLVMValue) -> LLVMValue {
    guard limits.lanes != nil, let all = limits.all, mask == nil else { return slow() }
    return emitter.branch(if: all, name: "all") {
      [fast()]
    } else: {
      [slow()]
    }[0]
  }

  private func ifAllInside(_ limits: Guard, _ fast: () -> Void, else slow: () -> Void) {
    guard limits.lanes != nil, let all = limits.all, mask == nil else { return slow() }
    _ = emitter.branch(if: all, name: "all") {
      fast()
      return []
    } else: {
      slow()
      return []
    }
  }

  private func guards(_ access: Access, _ indices: [LaneValue]) -> Guard {
    var limits = Guard()
    if isInside { return limits }
    for (position, index) in access.indices.enumerated() where index.isGuarded {
      let extent = emitter.scalar(extent(access.place, position))
      func isInside(_ value: LLVMValue) -> LLVMValue {
        builder.compareUnsigned(value, .less, value.type.isVector ? builder.broadcast(extent, lanes) : extent)
      }
      switch indices[position] {
      case .linear(let linear) where linear.isUniform: limits.uniform = both(limits.uniform, isInside(emitter.scalar(linear)))
      case .uniform(let scalar): limits.uniform = both(limits.uniform, isInside(scalar))
      case .linear(let linear):
        let isFirst = limits.lanes == nil
        limits.lanes = both(limits.lanes, isInside(emitter.vector(linear, lanes)))
        // A run that grows by one step is inside where its ends are.
        let last = emitter.add(
          linear.first, linear.step.map { emitter.multiply(LinearIndex($0), by: lanes - 1) } ?? LinearIndex(0))
        let ends = builder.and(isInside(emitter.scalar(linear.first)), isInside(emitter.scalar(last)))
        limits.all = isFirst ? ends : limits.all.map { builder.and($0, ends) }
      case .varying(let vector):
        limits.lanes = both(limits.lanes, isInside(vector))
        limits.all = nil
      }
    }
    return limits
  }

  /// One bit: whether the guarded indices of an access are inside at the point that the variables are set to; nil where there are
  /// none.
  func areGuardsInside(_ access: Access) throws -> LLVMValue? {
    guards(access, try access.indices.map { try evaluate($0.expression) }).uniform
  }

  private func extent(_ place: Place, _ position: Int) -> LinearIndex {
    switch place {
    case .buffer(let number): buffers[number].extents[position]
    case .tile(let number): LinearIndex(tiles[number].tile.shape[position])
    }
  }

  /// The strides of a place in elements, each the same for all lanes.
  func strides(_ place: Place) -> [LinearIndex] {
    switch place {
    case .buffer(let number): return buffers[number].strides
    case .tile(let number):
      var stride = 1
      return tiles[number].tile.shape.reversed().map { extent in
        defer { stride *= extent }
        return LinearIndex(stride)
      }.reversed()
    }
  }

  func basePointer(_ place: Place) -> LLVMValue {
    switch place {
    case .buffer(let number): buffers[number].base
    case .tile(let number): tiles[number].base
    }
  }

  /// The address of the element at a distance in elements from a place's start. It `mayLeave` the place where only a guard tells
  /// whether it is used.
  func address(_ place: Place, _ distance: LinearIndex, mayLeave: Bool = false) -> LLVMValue {
    let type = emitter.memoryType(elementType(place), 1)
    var pointer = basePointer(place)
    if let base = distance.base { pointer = builder.address(pointer, base, of: type, mayLeave: mayLeave) }
    return distance.offset == 0
      ? pointer : builder.address(pointer, emitter.index(distance.offset), of: type, mayLeave: mayLeave)
  }

  /// The distance of an access from its place's start in elements; nil where the lanes' distances do not grow by one step.
  func distance(_ access: Access, _ indices: [LaneValue]) -> LinearIndex? {
    var total = LinearIndex(0)
    for (index, stride) in zip(indices, strides(access.place)) {
      guard case .linear(let linear) = index else { return nil }
      total = emitter.add(total, emitter.multiply(linear, by: stride))
    }
    return total
  }

  private func locate(_ access: Access, _ indices: [LaneValue]) -> Location {
    let type = emitter.memoryType(elementType(access.place), 1)
    if let distance = distance(access, indices) {
      let mayLeave = access.isGuarded || mask != nil
      let first = address(access.place, distance, mayLeave: mayLeave)
      guard let step = distance.step, lanes > 1 else { return .uniform(first) }
      if distance.constantStep == 1 { return .unitStride(first) }
      return .scattered(
        (0..<lanes).map { lane in
          lane == 0
            ? first : builder.address(first, builder.multiplyNoWrap(step, emitter.index(lane)), of: type, mayLeave: mayLeave)
        })
    }
    var total = emitter.int64.vector(lanes).zero
    for (index, stride) in zip(indices, strides(access.place)) {
      total = builder.add(total, builder.multiply(vector(index), builder.broadcast(emitter.scalar(stride), lanes)))
    }
    let base = basePointer(access.place)
    return .scattered((0..<lanes).map { builder.address(base, builder.extract(total, lane: $0), of: type, mayLeave: true) })
  }

  private func consecutive(_ pointer: LLVMValue, _ element: ElementType) -> [LLVMValue] {
    let type = emitter.memoryType(element, 1)
    return (0..<lanes).map { builder.address(pointer, emitter.index($0), of: type, mayLeave: true) }
  }
}

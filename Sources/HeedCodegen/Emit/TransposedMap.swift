internal import HeedIR

/// A map that stores along one of its dimensions, the columns, and loads along another, the rows of what it reads:
/// ```
/// map (%d : 64, %c : 48) {
///   %0 = load %k[%b, (%p*48 + %c)?, %d] else 0.0
///   store %0, %panels[%p, %d, %c]
/// }
/// ```
/// It runs by square blocks, transposed in registers: 16 x 16 of f32 are 16 vectors along %d, 64 shuffles and 16 vectors along %c
/// instead of 256 loads and insertions.
///
/// Elements may come in pairs, which stay together: a last dimension of 2 along which loads and stores are contiguous. Pairs
/// of bf16 are transposed as 32-bit numbers.
/// ```
/// map (%d : 32, %c : 48, %u : 2) {
///   %0 = load %k[%b, (%p*48 + %c)?, %d*2 + %u] else 0.0
///   store %0, %panels[%p, %d, %c, %u]
/// }
/// ```
struct TransposedMap {
  let map: Map
  /// The dimension that loads run along: `%d`.
  let source: Dimension
  /// The dimension that stores run along: `%c`.
  let columns: Dimension
  /// The dimension of pairs, `%u`; nil for single elements.
  let pair: Dimension?
  /// The loads to transpose, as instructions of the body.
  let loads: [(instruction: Int, access: Access)]
  /// The lanes that the body runs for: elements along the columns.
  let lanes: Int

  /// The elements that stay together.
  var unit: Int { pair == nil ? 1 : 2 }
  var variables: [VariableID] { [source.variable, columns.variable] + (pair.map { [$0.variable] } ?? []) }

  /// The smallest side of a block that is worth it.
  static let leastSide = 4

  /// Nil where the map has not that form.
  init?(_ map: Map, _ phase: PhaseEmitter) throws {
    let body = map.body
    guard map.dimensions.count >= 2, body.isStreaming else { return nil }
    let all = map.dimensions.map(\.variable)
    func areAll(_ expected: Int, _ accesses: [Access], _ dimension: Dimension) throws -> Bool {
      try accesses.allSatisfy { try phase.stride($0, along: dimension.variable, within: all) == expected }
    }
    let stores = body.stores.map(\.access)
    let last = map.dimensions.last!
    var candidates = map.dimensions
    if try last.extent == 2 && areAll(1, stores, last) {
      (pair, candidates) = (last, candidates.dropLast())
    } else {
      pair = nil
    }
    let unit = pair == nil ? 1 : 2
    let elementPair = pair
    guard let columns = try candidates.last(where: { try areAll(unit, stores, $0) && phase.mayFill($0) }) else { return nil }
    let sources = candidates.filter { $0.variable != columns.variable && phase.mayFill($0) }
    var found: (source: Dimension, loads: [(instruction: Int, access: Access)])?
    for source in sources {
      let loads = try body.loads.filter { load in
        let across = try phase.stride(load.access, along: columns.variable, within: all)
        let type = body.instructions[load.instruction].type
        return try across != 0 && across != unit && areAll(unit, [load.access], source)
          && elementPair.map { try areAll(1, [load.access], $0) } ?? true
          && (type != .bool || phase.elementType(load.access.place) == .bool)
      }
      if !loads.isEmpty && found == nil { found = (source, loads) }
    }
    guard let found else { return nil }
    (self.map, self.columns, source, loads) = (map, columns, found.source, found.loads)
    let bytes = found.loads.map { body.instructions[$0.instruction].type.byteCount }
    lanes = pair == nil ? phase.lanes(for: body) : phase.emitter.target.lanes(ofByteCount: bytes.max()!)
    // A unit is moved as one integer.
    guard bytes.max()! * unit <= 8 else { return nil }
    let inner = variables
    guard try loads.allSatisfy({ try phase.isAffine($0.access, in: inner) }) else { return nil }
    if pair != nil, try !keepsPairs(phase) { return nil }
  }

  /// Whether the rest of the body can run for the lanes of pairs: nothing else than the elements themselves tells the halves apart.
  private func keepsPairs(_ phase: PhaseEmitter) throws -> Bool {
    guard let pair else { return true }
    let inner = [columns.variable, pair.variable]
    func moves(_ access: Access) -> Bool {
      access.indices.contains { index in inner.contains { phase.mentions($0, index.expression) } }
    }
    /// Whether the guards on an access can treat neighbouring pairs as consecutive.
    func isConsecutive(_ access: Access) throws -> Bool {
      try access.indices.allSatisfy { index in
        guard index.isGuarded else { return true }
        let step = try phase.factor(of: source.variable, in: index.expression, within: variables)?.constant
        let half = try phase.factor(of: pair.variable, in: index.expression, within: variables)?.constant
        return step != nil && half != nil && step == 2 * half!
      }
    }
    for (position, instruction) in map.body.instructions.enumerated() {
      switch instruction.operation {
      case .constant, .elementwise, .accumulate: break
      case .index: return false
      case .store(let access): if access.isGuarded { return false }
      case .load(let access, _):
        let isTransposed = loads.contains { $0.instruction == position }
        if try isTransposed ? !isConsecutive(access) : moves(access) { return false }
      }
    }
    return true
  }
}

extension PhaseEmitter {
  /// Whether a dimension may have as many points as the smallest block.
  fileprivate func mayFill(_ dimension: Dimension) -> Bool {
    upperBound(dimension.extent).map { $0 >= TransposedMap.leastSide } ?? true
  }

  /// Whether the guarded indices of an access are linear in each variable, so that a box is inside where its corners are.
  fileprivate func isAffine(_ access: Access, in variables: [VariableID]) throws -> Bool {
    try access.indices.allSatisfy { index in
      try !index.isGuarded || variables.allSatisfy { try factor(of: $0, in: index.expression, within: variables) != nil }
    }
  }
}

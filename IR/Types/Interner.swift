/// Assigns equal values the same small number, for the life of the process.
///
/// Names, extents and shapes are kept as such numbers, so that IR nodes are trivial structs: copied by memcpy, compared by one
/// instruction. Interned values are never freed; a program has few distinct ones.
final class Interner<Value: Hashable & Sendable>: Sendable {
  private struct State: Sendable {
    var identifiers: [Value: UInt32] = [:]
    var values: [Value] = []
  }

  private let state = Lock(State())

  func identifier(of value: Value) -> UInt32 {
    state.withLock { state in
      if let known = state.identifiers[value] { return known }
      let fresh = UInt32(state.values.count)
      state.values.append(value)
      state.identifiers[value] = fresh
      return fresh
    }
  }

  subscript(identifier: UInt32) -> Value { state.withLock { $0.values[Int(identifier)] } }
}

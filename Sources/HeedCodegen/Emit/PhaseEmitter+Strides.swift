internal import HeedIR

/// What an access moves by.
extension PhaseEmitter {
  /// The elements between neighbours along a variable, where that is a number known now and the same at every point of `variables`;
  /// nil where it is not.
  func stride(_ access: Access, along variable: VariableID, within variables: [VariableID]) throws -> Int? {
    var total = LinearIndex(0)
    for (index, stride) in zip(access.indices, strides(access.place)) {
      guard let factor = try self.factor(of: variable, in: index.expression, within: variables) else { return nil }
      total = emitter.add(total, emitter.multiply(factor, by: stride))
    }
    return total.constant
  }

  /// What an index grows by along a variable, where that is the same at every point of `variables`; nil where it is not.
  func factor(of variable: VariableID, in index: IntegerExpression, within variables: [VariableID]) throws -> LinearIndex? {
    guard !readsValues(index), let factor = coefficient(of: variable, in: index) else { return nil }
    return variables.contains(where: { mentions($0, factor) }) ? nil : try uniform(factor)
  }

  /// Whether an index is computed from a value of the body.
  private func readsValues(_ expression: IntegerExpression) -> Bool {
    switch expression {
    case .constant, .verdict, .symbol, .variable: false
    case .value: true
    case .load(let access): access.indices.contains { readsValues($0.expression) }
    case .binary(_, let a, let b): readsValues(a) || readsValues(b)
    }
  }
}

extension Body {
  /// The instructions that load, with their accesses.
  var loads: [(instruction: Int, access: Access)] {
    instructions.enumerated().compactMap {
      if case .load(let access, _) = $1.operation { ($0, access) } else { nil }
    }
  }

  /// The instructions that store, with their accesses.
  var stores: [(instruction: Int, access: Access)] {
    instructions.enumerated().compactMap {
      if case .store(let access) = $1.operation { ($0, access) } else { nil }
    }
  }

  /// Whether the body stores, accumulates nothing, and reads no place that it stores to.
  var isStreaming: Bool {
    let written = stores.map(\.access.place)
    let accumulates = instructions.contains { if case .accumulate = $0.operation { true } else { false } }
    return !written.isEmpty && !accumulates && !loads.contains { written.contains($0.access.place) }
  }
}

extension Program {
  /// The buffers of states that a call writes.
  package var replacedStates: Set<Int> {
    var replaced: Set<Int> = []
    for call in load + steps where kernels.indices.contains(call.kernel) {
      for (parameter, operand) in zip(kernels[call.kernel].parameters, call.operands) where parameter.role != .input {
        if buffers.indices.contains(operand.buffer), buffers[operand.buffer].storage == .state { replaced.insert(operand.buffer) }
      }
    }
    return replaced
  }

  /// The `load` calls that need parameters and constants alone, and those that need states, each in order.
  package var loadCalls: (ofParameters: [Call], ofStates: [Call]) {
    var ofStates = Set(buffers.indices.filter { buffers[$0].storage == .state })
    var calls: (ofParameters: [Call], ofStates: [Call]) = ([], [])
    for call in load {
      if call.operands.contains(where: { ofStates.contains($0.buffer) }) {
        ofStates.formUnion(call.operands.map(\.buffer).filter { buffers[$0].storage == .packed })
        calls.ofStates.append(call)
      } else {
        calls.ofParameters.append(call)
      }
    }
    return calls
  }
}

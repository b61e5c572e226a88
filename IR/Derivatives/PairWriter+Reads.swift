// What regions read from tensors of floats: variables like products, whose derivatives are sums over the pairs that read an element.

extension PairWriter {
  /// The tangents of the elements that a function reads.
  /// - Parameters:
  ///   - tables: the tensors that the function reads.
  ///   - tangents: those of the tensors; nil for 0.
  mutating func tangents(
    ofReadsOf function: DifferentiatedFunction, _ tangents: [ValueID?], in graph: Graph
  ) -> [ScalarValue: ScalarExpression] {
    var found: [ScalarValue: ScalarExpression] = [:]
    for read in function.reads {
      guard let tangent = tangents[read.table] else { continue }
      let element = writer.element(number(of: tangent, in: graph), read.indices.map { function[$0] })
      found[read.value] = element.converted(to: element.element.computed)
    }
    return found
  }

  /// The dimensions of the pairs, rising, that index a tensor of this shape, beside constant indices of extents of 1; nil where its indices
  /// are computed, or do not run over whole dimensions.
  func dimensions(
    of read: DifferentiatedFunction.Read, in function: DifferentiatedFunction, leading: Int, _ shape: Shape, facts: [Fact]
  ) -> [Int]? {
    var dims: [Int] = []
    for (index, extent) in zip(read.indices, shape.extents) {
      if extent == 1, function.constant(index)?.integer == 0 { continue }
      guard let parameter = function.parameterNumber(index), parameter >= leading else { return nil }
      let dim = parameter - leading
      guard dims.last.map({ $0 < dim }) ?? true, extents[dim].isEqual(to: extent, given: facts) else { return nil }
      dims.append(dim)
    }
    return dims
  }
}

extension DifferentiatedFunction {
  /// The number of the parameter that a value is, conversions between whole numbers aside.
  func parameterNumber(_ value: ScalarValue) -> Int? {
    var value = value
    while let instruction = instruction(value) {
      guard case .elementwise(.convert) = instruction.operation, type(instruction.operands[0]).isInteger else { return nil }
      value = instruction.operands[0]
    }
    return value.index
  }
}

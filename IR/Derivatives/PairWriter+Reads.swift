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

/// The cotangents of tensors that a region reads, as sums over pairs.
struct ReadCotangents {
  /// Where the cotangent of a tensor comes from.
  private enum Source {
    /// A sum of `pair_sums`: its number, and the dimensions of the pairs that the tensor has.
    case sum(Int, dims: [Int], isOfRow: Bool)
    case scatter(ScalarExpression, [ScalarExpression])
  }
  private var sources: [(operand: Int, table: ValueID, source: Source)] = []

  /// Adds the cotangents of what a function reads; sums go to `sums`.
  /// - Parameters:
  ///   - tables: for each captured tensor of the function, its value and the number of the operand that it is; nil where nobody wants it.
  ///   - leading: the parameters before the indices.
  mutating func add(
    _ function: DifferentiatedFunction, _ cotangents: [ScalarValue: ScalarExpression], _ tables: [(value: ValueID, operand: Int)?],
    leading: Int, _ writer: PairWriter, _ sums: inout [PairWriter.Sum], in graph: Graph
  ) {
    let rows = writer.extents.count - 2
    for read in function.reads {
      guard let table = tables[read.table], let cotangent = cotangents[read.value] else { continue }
      let dims = writer.dimensions(
        of: read, in: function, leading: leading, graph.type(table.value).shape, facts: graph.facts)
      if let dims, !(dims.contains(rows) && dims.contains(rows + 1)) {
        let isOfRow = !dims.contains(rows + 1)
        sources.append((table.operand, table.value, .sum(sums.count, dims: dims, isOfRow: isOfRow)))
        sums.append(PairWriter.Sum(weight: cotangent, value: nil, isOfRow: isOfRow, element: writer.element))
      } else {
        sources.append((table.operand, table.value, .scatter(cotangent, read.indices.map { function[$0] })))
      }
    }
  }

  /// Adds to the operands' cotangents, given the results of `sums`.
  func finish(
    _ results: [ValueID], _ writer: inout PairWriter, _ context: inout Differentiation, _ found: inout [ValueID?]
  ) throws {
    let rows = writer.extents.count - 2
    for (operand, table, source) in sources {
      let type = context.type(table)
      var cotangent: ValueID
      switch source {
      case .sum(let number, let dims, let isOfRow):
        // The sum has all batch dimensions, and that of the queries or the keys.
        let own = Array(0..<rows) + [isOfRow ? rows : rows + 1]
        cotangent = try context.sum(results[number], over: own.indices.filter { !dims.contains(own[$0]) })
        cotangent = try context.widened(cotangent, to: type.element)
        if context.type(cotangent).shape != type.shape { cotangent = try context.emit(.reshape, cotangent, stated: type) }
      case .scatter(let value, let indices):
        cotangent = try writer.emit(scattering: value, to: indices, of: type, &context)
      }
      found[operand] = try found[operand].map { try context.emit(.add, $0, cotangent) } ?? cotangent
    }
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

extension Decomposition {
  /// What a region parameter or captured tensor is among the ops that the region becomes.
  package struct RegionShape {
    /// The shape over which the region runs.
    var full: Shape
    /// The parameters that are the index along a dimension of `full`, by parameter.
    var indexDimensions: [ScalarValue: Int]

    package init(full: Shape, indexDimensions: [ScalarValue: Int] = [:]) {
      (self.full, self.indexDimensions) = (full, indexDimensions)
    }
  }
}

extension NodeEmitter {
  /// A region as ops on tensors: each instruction becomes an op, each argument has the shape `shape.full` or is a scalar, and a
  /// constant stays a scalar. An element of a captured tensor becomes a broadcast of the tensor where its indices are those of
  /// rising dimensions, else a gather.
  /// - Parameter argument: returns the tensor for a parameter; called for the parameters that are used.
  /// - Returns: the results, of shape `shape.full`.
  package mutating func apply(
    _ region: ScalarFunction, tables: [ValueID] = [], shape: Decomposition.RegionShape,
    argument: (inout Self, Int) throws -> ValueID
  ) throws -> [ValueID] {
    let used = Set(region.instructions.flatMap(\.operands) + region.results)
    var values: [ValueID?] = []
    for position in region.parameters.indices {
      values.append(used.contains(region.parameter(position)) ? try argument(&self, position) : nil)
    }
    for instruction in region.instructions {
      let operands = instruction.operands.map { values[$0.index]! }
      switch instruction.operation {
      case .constant(let literal): values.append(try self.literal(literal, instruction.type))
      case .extent(let extent):
        values.append(
          try emit(.extent, attributes: [Attribute(.extentValue, [extent])], stated: TensorType(instruction.type, .scalar)))
      case .elementwise(let op):
        let operandShape = operands.map { type($0).shape }.first { $0.rank > 0 } ?? .scalar
        values.append(
          try rewriter.append(op, operands, stated: op.has(.typedByResult) ? TensorType(instruction.type, operandShape) : nil))
      case .element(let table):
        values.append(
          try element(of: tables[table], indices: operands, dims: instruction.operands.map { shape.indexDimensions[$0] }, shape))
      }
    }
    return try region.results.map { result in
      let value = values[result.index]!
      return type(value).shape == shape.full ? value : try broadcast(value, to: shape.full, dims: [])
    }
  }

  /// The elements of `table` at the index tensors `indices`; `dims` says of each which dimension's index it is, where it is one.
  private mutating func element(of table: ValueID, indices: [ValueID], dims: [Int?], _ shape: Decomposition.RegionShape) throws
    -> ValueID
  {
    let type = type(table)
    if indices.isEmpty { return table }
    let known = dims.compactMap { $0 }
    if known.count == dims.count, zip(known, known.dropFirst()).allSatisfy({ $0 < $1 }),
      zip(known, type.shape.extents).allSatisfy({ shape.full[$0].isEqual(to: $1, given: rewriter.result.facts) })
    {
      return try broadcast(table, to: shape.full, dims: known)
    }
    // Row-major position in the flattened table.
    var position: ValueID?
    for (index, extent) in zip(indices, type.shape.extents) {
      let wide = try rewriter.append(.convert, [index], stated: TensorType(.i64, self.type(index).shape))
      guard let outer = position else {
        position = wide
        continue
      }
      let count = try emit(.extent, attributes: [Attribute(.extentValue, [extent])], stated: TensorType(.i64, .scalar))
      position = try emit(.add, emit(.multiply, outer, count), wide)
    }
    let flat = try emit(.reshape, table, stated: TensorType(type.element, [type.shape.count]))
    return try emit(.gather, flat, position!, attributes: [Attribute(.dim, 0)])
  }
}

extension Inference {
  /// Checks that a region's parameters have these types and its tables are the captured operands; `types` names each for the error.
  func checkRegion(_ position: Int, parameters types: [(role: String, isAllowed: (ElementType) -> Bool)], tables: [TensorType])
    throws
  {
    let region = regions[position]
    let keyword = op.regionKeywords[position]
    let name = keyword.isEmpty ? "the region" : "the region \(keyword)"
    try expect(
      region.parameters.count == types.count,
      "got \(region.parameters.count) parameters of \(name), expected \(types.count) (\(types.map(\.role).joined(separator: ", ")))"
    )
    for (parameter, (role, isAllowed)) in zip(region.parameters, types) {
      try expect(
        isAllowed(parameter.type), "got the parameter %\(parameter.name) of type \(parameter.type) in \(name), expected \(role)")
    }
    try expect(
      region.tables.map(\.type) == tables,
      "got the captured tensors \(describe(region.tables.map(\.type))) of \(name), expected \(tables.isEmpty ? "none" : describe(tables))"
    )
  }

  /// Checks that a region yields `count` values; any number of at least 1 where `count` is nil.
  func checkYield(_ position: Int, count: Int?) throws {
    let got = regions[position].results.count
    try expect(
      count.map { $0 == got } ?? (got > 0), "got \(got) yielded values, expected \(count.map(String.init) ?? "at least one")")
  }
}

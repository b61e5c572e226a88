import HeedIR

extension ProductRows {
  /// The operands of the product as rows and columns, for a use that reduces columns.
  struct Sides {
    let batch: [Character]
    let rows: [Character]
    let columns: [Character]
    /// `[batch..., rows, width]` and `[batch..., columns, width]`.
    let query: ValueID
    let key: ValueID
  }

  /// Appends what stands for a use.
  /// - Throws: `Declined` where no kernel computes it pair by pair.
  func build(_ node: NodeID, _ use: Use, _ rewriter: inout GraphRewriter) throws -> ValueID {
    let made = Set(letters.keys.filter { graph.definingNode($0)! < node }.map { rewriter($0) })
    let value: ValueID
    switch use {
    case .pick(let picked): value = try picked.build(&rewriter, of: made)
    case .logSumExp: value = try logSumExp(node, &rewriter)
    case .sum:
      var sums = LinearSums(graph: rewriter.result, made: made)
      if let sum = try sums.sum(rewriter(graph.inputs(node)[0]), graph.attributes(node).required(.dims).sorted()) {
        rewriter.result = sums.graph
        value = sum
      } else {
        value = try sumOfPairs(node, &rewriter)
      }
    }
    let type = graph.type(graph.result(node))
    let shaped = try rewriter.result.reshape(value, TensorType(rewriter.result.type(value).element, type.shape))
    return try rewriter.result.converted(shaped, to: type.element)
  }

  private func sides(reducing columns: Set<Character>, _ rewriter: inout GraphRewriter) throws -> Sides {
    let isRight = columns.isSuperset(of: right)
    let inputs = graph.inputs(product).map { rewriter($0) }
    let (rows, columns) = isRight ? (left, right) : (right, left)
    func arranged(_ side: Int, _ letters: [Character]) throws -> ValueID {
      let own = side == 0 ? subscripts.left : subscripts.right
      let order = subscripts.batch + letters + subscripts.over
      let moved = try rewriter.result.transposed(inputs[side], order.map { own.firstIndex(of: $0)! })
      let type = rewriter.result.type(moved)
      let shape = subscripts.batch.map { extent($0) } + [extent(letters), type.shape.extents.last!]
      return try rewriter.result.reshape(moved, TensorType(type.element, Shape(shape)))
    }
    return Sides(
      batch: subscripts.batch, rows: rows, columns: columns, query: try arranged(isRight ? 0 : 1, rows),
      key: try arranged(isRight ? 1 : 0, columns))
  }

  // MARK: Scalar code

  /// The code of a value that is made of the product, for a pair of a row and a column.
  private struct PairCode {
    var region: FunctionBuilder
    var value: ScalarValue
    let parameters: [ScalarFunction.Parameter]
    let tables: [ValueID]
  }

  private func read(_ value: ValueID, _ sides: Sides) throws -> PairCode {
    let scores = graph.result(product)
    let indexType = tables.indexType(below: value)
    let names = ScalarFunction.indexNames(batch: sides.batch.count)
    let parameters =
      [ScalarFunction.Parameter("s", graph.type(scores).element.computed)] + names.map { ScalarFunction.Parameter($0, indexType) }
    var reader = TensorReader(
      graph: graph, scores: scores, indexType: indexType, region: FunctionBuilder(parameters: parameters, rules: .scores),
      tables: tables, inside: inside, isWide: true)
    let count = sides.batch.count
    var index: [Character: ScalarValue] = [:]
    for (position, letter) in sides.batch.enumerated() { index[letter] = ScalarValue(1 + position) }
    for (letters, parameter) in [(sides.rows, count + 1), (sides.columns, count + 2)] {
      for (letter, place) in zip(letters, reader.split(ScalarValue(parameter), letters.map { extent($0) })) {
        index[letter] = place
      }
    }
    let places = letters[value]!.map { letters in reader.merge(letters.map { index[$0]! }, letters.map { extent($0) }) }
    let element = try reader.read(value, at: places)
    for (letter, place) in zip(subscripts.result, reader.scoreIndices ?? []) where extent(letter) != 1 && place != index[letter] {
      throw Declined(value: value, reason: "\(graph.label(value)) reads it at computed places")
    }
    return PairCode(region: reader.region, value: element, parameters: parameters, tables: reader.tables)
  }

  // MARK: Ops

  /// Attention without values: the logarithms of the sums of its exponentials.
  private func logSumExp(_ node: NodeID, _ rewriter: inout GraphRewriter) throws -> ValueID {
    let operand = graph.inputs(node)[0]
    let sides = try sides(reducing: Set(reduced(by: node)), &rewriter)
    let code = try read(operand, sides)
    let element = code.parameters[0].type
    // A mask of finite numbers stays in the score: rows without a live pair have its logarithm.
    let parts = try ScoreParts(code.value, element, hasSoftmax: true, region: code.region)
    let isSplit = parts.finiteFills.isEmpty
    var region = isSplit ? parts.region : code.region
    let score = isSplit ? parts.score : region.apply(.convert, [code.value], type: element)
    let live = (isSplit ? parts.conditions : []).reduce(region.truth(true)) { region.apply(.and, [$0, $1]) }
    let used = region.function.tables(of: [score, live]).sorted()
    let map = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
    let declared = used.map { region.function.tables[$0] }
    func function(_ value: ScalarValue, from first: Int) -> ScalarFunction {
      region.function.extracting(
        [value], parameters: Array(code.parameters[first...]), numbers: Array(code.parameters.indices[first...]), tables: declared,
        tableMap: map)
    }
    let key = rewriter.result.type(sides.key)
    let none = try rewriter.result.appendResult(
      .broadcast, [rewriter.result.appendScalar(0, key.element)], attributes: [Attribute(.dims, [])],
      stated: TensorType(key.element, Shape(key.shape.extents.dropLast() + [0])))
    let attention = try rewriter.result.append(
      .attention, [sides.query, sides.key, none] + used.map { rewriter(code.tables[$0]) },
      attributes: [Attribute(.logSumExp, true)], regions: [function(score, from: 0), function(live, from: 1)])
    return try arrangedBack(rewriter.result.result(attention, .logSumExp)!, of: node, sides, &rewriter)
  }

  /// A sum over pairs, with the weight of a pair what is summed.
  private func sumOfPairs(_ node: NodeID, _ rewriter: inout GraphRewriter) throws -> ValueID {
    let operand = graph.inputs(node)[0]
    let reduced = Set(reduced(by: node))
    let sides = try sides(reducing: reduced, &rewriter)
    var code = try read(operand, sides)
    if let dense = code.tables.first(where: { graph.type($0).shape.count == graph.type(operand).shape.count }) {
      throw Declined(value: operand, reason: "\(graph.label(dense)) is as large as the product")
    }
    let element = code.parameters[0].type
    let weight = code.region.apply(.convert, [code.value], type: element)
    let operands = [sides.query, sides.key] + code.tables.map { rewriter($0) }
    let rows: [(Name, ValueID)] = [("q", sides.query), ("k", sides.key)]
    let declared = rows.map { ScalarFunction.Table($0, rewriter.result.type($1)) } + code.region.function.tables
    let map = Dictionary(uniqueKeysWithValues: code.tables.indices.map { ($0, $0 + 2) })
    let weights = code.region.function.extracting(
      [weight], parameters: code.parameters, numbers: Array(code.parameters.indices), tables: declared, tableMap: map)
    var live = FunctionBuilder(parameters: Array(code.parameters.dropFirst()), tables: declared)
    let always = live.truth(true)
    let shape = sides.batch.map { extent($0) } + [extent(sides.rows)]
    let sums = try rewriter.append(
      .pairSums, operands,
      attributes: [
        Attribute(.pairs, shape + [extent(sides.columns)]), Attribute(.products, [0, 1]), Attribute(.rowSums, [0, -1]),
      ], regions: [weights, live.finish([always])], stated: TensorType(element, Shape(shape)))
    let rest =
      sides.batch.indices.filter { reduced.contains(sides.batch[$0]) }
      + (reduced.isSuperset(of: sides.rows) ? [sides.batch.count] : [])
    return rest.isEmpty ? try arrangedBack(sums, of: node, sides, &rewriter) : try rewriter.result.appendSum(sums, rest)
  }

  /// `[batch..., rows]` with the dimensions that the use leaves of its operand.
  private func arrangedBack(
    _ value: ValueID, of node: NodeID, _ sides: Sides, _ rewriter: inout GraphRewriter
  ) throws -> ValueID {
    let reduced = reduced(by: node)
    let order = letters[graph.inputs(node)[0]]!.flatMap { $0 }.filter { !reduced.contains($0) }
    let own = sides.batch + sides.rows
    let split = try rewriter.result.reshape(
      value, TensorType(rewriter.result.type(value).element, Shape(own.map { extent($0) })))
    return try rewriter.result.transposed(split, order.map { own.firstIndex(of: $0)! })
  }
}

extension Graph {
  /// `value` with its dimensions in another order.
  mutating func transposed(_ value: ValueID, _ order: [Int]) throws -> ValueID {
    order == Array(order.indices) ? value : try appendResult(.transpose, [value], attributes: [Attribute(.permutation, order)])
  }
}

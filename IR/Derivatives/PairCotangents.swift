/// The cotangents of the operands of an op on pairs, gathered until one `pair_sums` computes them.
struct PairCotangents {
  private let graph: Graph
  private let operands: [ValueID]
  private let isWanted: [Bool]
  private var sums: [PairWriter.Sum] = []
  private var terms: [(operand: Int, source: Source)] = []

  /// Where a part of an operand's cotangent comes from.
  private enum Source {
    /// The sum of this number, as it is.
    case sum(Int)
    /// The sum of this number, over the dimensions of the pairs that the operand lacks.
    case reduced(Int, dims: [Int], isOfRow: Bool)
    case scatter(ScalarExpression, [ScalarExpression])
  }

  /// Nothing yet of the operands of the op that is being differentiated.
  init(_ context: Differentiation) {
    (graph, operands) = (context.rewriter.result, context.operands)
    isWanted = context.operands.indices.map(context.isWanted)
  }

  /// Adds a sum, over the pairs of each query or key, to the cotangent of the operand of this number.
  /// - Parameter value: what is weighed; nil for the weight alone.
  mutating func add(_ weight: ScalarExpression, _ value: ValueID?, isOfRow: Bool, to operand: Int) {
    guard isWanted[operand] else { return }
    terms.append((operand, .sum(sums.count)))
    sums.append(
      PairWriter.Sum(weight: weight, value: value, isOfRow: isOfRow, element: graph.type(operands[operand]).element))
  }

  /// Adds what the cotangent of a product is for the row tensor and the column tensor, operands of these numbers.
  mutating func add(ofProduct cotangent: ScalarExpression, row: Int, column: Int) {
    add(cotangent, operands[column], isOfRow: true, to: row)
    add(cotangent, operands[row], isOfRow: false, to: column)
  }

  /// Adds the cotangents of what a function reads from captured tensors.
  /// - Parameters:
  ///   - firstTable: the operand that is the function's first captured tensor.
  ///   - leading: the parameters before the indices.
  mutating func addReads(
    of function: DifferentiatedFunction, _ cotangents: [ScalarValue: ScalarExpression], firstTable: Int, leading: Int,
    _ writer: PairWriter
  ) {
    let rows = writer.extents.count - 2
    for read in function.reads where isWanted[firstTable + read.table] {
      guard let cotangent = cotangents[read.value] else { continue }
      let operand = firstTable + read.table
      let dims = writer.dimensions(
        of: read, in: function, leading: leading, graph.type(operands[operand]).shape, facts: graph.facts)
      if let dims, !(dims.contains(rows) && dims.contains(rows + 1)) {
        let isOfRow = !dims.contains(rows + 1)
        terms.append((operand, .reduced(sums.count, dims: dims, isOfRow: isOfRow)))
        sums.append(PairWriter.Sum(weight: cotangent, value: nil, isOfRow: isOfRow, element: writer.element))
      } else {
        terms.append((operand, .scatter(cotangent, read.indices.map { function[$0] })))
      }
    }
  }

  /// Appends the ops, and returns the cotangents by operand; nil for what nothing was added to.
  func finish(_ writer: inout PairWriter, _ context: inout Differentiation) throws -> [ValueID?] {
    let results = try writer.emit(sums, &context)
    var found = [ValueID?](repeating: nil, count: operands.count)
    for (operand, source) in terms {
      let cotangent: ValueID
      switch source {
      case .sum(let number): cotangent = results[number]
      case .reduced(let number, let dims, let isOfRow):
        cotangent = try reduced(results[number], dims, isOfRow: isOfRow, to: context.type(operands[operand]), &context)
      case .scatter(let value, let indices):
        cotangent = try writer.emit(scattering: value, to: indices, of: context.type(operands[operand]), &context)
      }
      found[operand] = try found[operand].map { try context.emit(.add, $0, cotangent) } ?? cotangent
    }
    return found
  }

  /// A sum of all batch dimensions and that of the queries or the keys as a tensor that has some of these.
  private func reduced(
    _ sum: ValueID, _ dims: [Int], isOfRow: Bool, to type: TensorType, _ context: inout Differentiation
  ) throws -> ValueID {
    let batch = context.type(sum).rank - 1
    let own = Array(0..<batch) + [isOfRow ? batch : batch + 1]
    let total = try context.sum(sum, over: own.indices.filter { !dims.contains(own[$0]) })
    let rounded = try context.widened(total, to: type.element)
    return context.type(rounded).shape == type.shape ? rounded : try context.emit(.reshape, rounded, stated: type)
  }
}

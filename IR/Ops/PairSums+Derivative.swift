// The derivative of sums over pairs is made of sums over pairs: so any order of derivatives stores no matrix of pairs.

extension Differentiation {
  /// The pairs of the op and what they live by.
  var liveness: PairWriter.Liveness { PairWriter.Liveness(region: regions[1], tables: operands) }

  /// The type of the op's products and weights.
  var pairElement: ElementType { regions[0].type(regions[0].results[0]) }

  /// The products of the op on other tensors: those of one tensor with a tangent and the other.
  func tangentProducts(_ pairs: PairOperands, _ tangents: [ValueID?]) -> (
    products: [(row: ValueID, column: ValueID)], ofProduct: [[Int]]
  ) {
    var products = pairs.products.map { (row: operands[$0.row], column: operands[$0.column]) }
    var ofProduct: [[Int]] = []
    for (row, column) in pairs.products {
      var numbers: [Int] = []
      if let tangent = tangents[row] {
        numbers.append(products.count)
        products.append((tangent, operands[column]))
      }
      if let tangent = tangents[column] {
        numbers.append(products.count)
        products.append((operands[row], tangent))
      }
      ofProduct.append(numbers)
    }
    return (products, ofProduct)
  }

  /// The function of the first region with its tangents.
  mutating func differentiatedPairs(_ pairs: PairOperands, _ tangents: [ValueID?]) -> (
    writer: PairWriter, function: DifferentiatedFunction, tangents: [ScalarExpression?]
  ) {
    let graph = rewriter.result
    let (products, ofProduct) = tangentProducts(pairs, tangents)
    var writer = PairWriter(pairs.extents, products: products, pairElement, liveness, in: graph)
    let function = writer.write(
      regions[0], leading: pairs.products.indices.map(writer.product), tables: operands, in: graph)
    var sources = writer.tangents(ofReadsOf: function, tangents, in: graph)
    for (number, terms) in ofProduct.enumerated() where !terms.isEmpty {
      let parts = terms.map(writer.product)
      sources[function.parameter(number)] = parts.dropFirst().reduce(parts[0]) { $0 + $1 }
    }
    return (writer, function, function.tangents(sources))
  }

  /// The tangents of the sums: those of their weights on what they weigh, and their weights on the tangents of that.
  mutating func tangentsOfPairSums(_ tangents: [ValueID?]) throws -> [ValueID?] {
    let pairs = PairOperands(attributes)
    var (writer, function, ofWeights) = differentiatedPairs(pairs, tangents)
    var sums: [PairWriter.Sum] = []
    var ofResult: [[Int]] = []
    for (sum, result) in zip(pairs.sums, results) {
      var numbers: [Int] = []
      func add(_ weight: ScalarExpression, _ value: ValueID?) {
        numbers.append(sums.count)
        sums.append(PairWriter.Sum(weight: weight, value: value, isOfRow: sum.isOfRow, element: type(result).element))
      }
      if let tangent = ofWeights[sum.weight] { add(tangent, sum.operand.map { operands[$0] }) }
      if let operand = sum.operand, let tangent = tangents[operand] { add(function.results[sum.weight], tangent) }
      ofResult.append(numbers)
    }
    let values = try writer.emit(sums, &self)
    return try ofResult.map { numbers in try total(numbers.map { values[$0] }) }
  }

  /// The sum of tensors of one type; nil for none.
  mutating func total(_ terms: [ValueID]) throws -> ValueID? {
    guard var sum = terms.first else { return nil }
    for term in terms.dropFirst() { sum = try emit(.add, sum, term) }
    return sum
  }

  /// The cotangents of the operands. That of a weight is the product of a sum's cotangent and what the sum weighs.
  mutating func cotangentsOfPairSums(_ cotangents: [ValueID?]) throws -> [ValueID?] {
    let (pairs, graph) = (PairOperands(attributes), rewriter.result)
    var products = pairs.products.map { (row: operands[$0.row], column: operands[$0.column]) }
    var productOfSum: [Int: Int] = [:]
    for (number, sum) in pairs.sums.enumerated() {
      guard let operand = sum.operand, let cotangent = cotangents[number] else { continue }
      productOfSum[number] = products.count
      products.append(sum.isOfRow ? (cotangent, operands[operand]) : (operands[operand], cotangent))
    }
    var writer = PairWriter(pairs.extents, products: products, pairElement, liveness, in: graph)
    let function = writer.write(
      regions[0], leading: pairs.products.indices.map(writer.product), tables: operands, in: graph)
    var ofWeights = [ScalarExpression?](repeating: nil, count: function.results.count)
    var sums: [PairWriter.Sum] = []
    var targets: [Int] = []
    for (number, sum) in pairs.sums.enumerated() {
      guard let cotangent = cotangents[number] else { continue }
      let ofWeight =
        productOfSum[number].map(writer.product)
        ?? (sum.isOfRow ? writer.ofRow(cotangent, in: graph) : writer.ofColumn(cotangent, in: graph)).converted(to: pairElement)
      ofWeights[sum.weight] = ofWeights[sum.weight].map { $0 + ofWeight } ?? ofWeight
      guard let operand = sum.operand, isWanted(operand) else { continue }
      targets.append(operand)
      sums.append(
        PairWriter.Sum(
          weight: function.results[sum.weight], value: cotangent, isOfRow: !sum.isOfRow, element: type(operands[operand]).element))
    }
    return try finishPairs(&writer, function, function.cotangents(of: ofWeights), sums, targets)
  }

  /// The cotangents of the operands of an op on pairs.
  /// - Parameters:
  ///   - ofValues: those of the values of the op's function.
  ///   - sums: sums that are cotangents of the operands `targets` already.
  mutating func finishPairs(
    _ writer: inout PairWriter, _ function: DifferentiatedFunction, _ ofValues: [ScalarValue: ScalarExpression],
    _ sums: [PairWriter.Sum] = [], _ targets: [Int] = []
  ) throws -> [ValueID?] {
    let (pairs, graph) = (PairOperands(attributes), rewriter.result)
    var (sums, targets) = (sums, targets)
    for (number, (row, column)) in pairs.products.enumerated() {
      guard let cotangent = ofValues[function.parameter(number)] else { continue }
      for (operand, other, isOfRow) in [(row, column, true), (column, row, false)] where isWanted(operand) {
        targets.append(operand)
        sums.append(
          PairWriter.Sum(
            weight: cotangent, value: operands[other], isOfRow: isOfRow, element: type(operands[operand]).element))
      }
    }
    var reads = ReadCotangents()
    reads.add(
      function, ofValues, operands.indices.map { isWanted($0) ? (operands[$0], $0) : nil }, leading: pairs.products.count, writer,
      &sums, in: graph)
    let values = try writer.emit(sums, &self)
    var found = [ValueID?](repeating: nil, count: operands.count)
    for (target, value) in zip(targets, values) { found[target] = try found[target].map { try emit(.add, $0, value) } ?? value }
    try reads.finish(values, &writer, &self, &found)
    return found
  }
}

// The derivative of sums over pairs is made of sums over pairs: so any order of derivatives stores no matrix of pairs.

extension Differentiation {
  /// The pairs of the op and what they live by.
  var liveness: PairWriter.Liveness { PairWriter.Liveness(region: regions[1], tables: operands) }

  /// The type of the op's products and weights.
  var pairElement: ElementType { regions[0].type(regions[0].results[0]) }

  /// The products of operands, and behind them those of a tensor's tangent and the other tensor.
  /// - Returns: the products, and for each of the first ones the numbers of its tangent's terms.
  func tangentProducts(_ pairs: [(row: Int, column: Int)], _ tangents: [ValueID?]) -> (
    products: [(row: ValueID, column: ValueID)], terms: [[Int]]
  ) {
    var products = pairs.map { (row: operands[$0.row], column: operands[$0.column]) }
    var terms: [[Int]] = []
    for (row, column) in pairs {
      let first = products.count
      if let tangent = tangents[row] { products.append((tangent, operands[column])) }
      if let tangent = tangents[column] { products.append((operands[row], tangent)) }
      terms.append(Array(first..<products.count))
    }
    return (products, terms)
  }

  /// The function of the first region with its tangents.
  mutating func differentiatedPairs(_ pairs: PairOperands, _ tangents: [ValueID?]) -> (
    writer: PairWriter, function: DifferentiatedFunction, tangents: [ScalarExpression?]
  ) {
    let graph = rewriter.result
    let (products, terms) = tangentProducts(pairs.products, tangents)
    var writer = PairWriter(pairs.extents, products: products, pairElement, liveness, in: graph)
    let function = writer.write(
      regions[0], leading: pairs.products.indices.map(writer.product), tables: operands, in: graph)
    var sources = writer.tangents(ofReadsOf: function, tangents, in: graph)
    for (number, terms) in terms.enumerated() { sources[function.parameter(number)] = writer.sum(ofProducts: terms) }
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
    var found = PairCotangents(self)
    for (number, sum) in pairs.sums.enumerated() {
      guard let cotangent = cotangents[number] else { continue }
      let ofWeight =
        productOfSum[number].map(writer.product)
        ?? (sum.isOfRow ? writer.ofRow(cotangent, in: graph) : writer.ofColumn(cotangent, in: graph)).converted(to: pairElement)
      ofWeights[sum.weight] = ofWeights[sum.weight].map { $0 + ofWeight } ?? ofWeight
      guard let operand = sum.operand else { continue }
      found.add(function.results[sum.weight], cotangent, isOfRow: !sum.isOfRow, to: operand)
    }
    return try finishPairs(&writer, function, function.cotangents(of: ofWeights), found)
  }

  /// The cotangents of the operands of an op on pairs.
  /// - Parameters:
  ///   - ofValues: those of the values of the op's function.
  ///   - found: what is known of them already.
  mutating func finishPairs(
    _ writer: inout PairWriter, _ function: DifferentiatedFunction, _ ofValues: [ScalarValue: ScalarExpression],
    _ found: PairCotangents
  ) throws -> [ValueID?] {
    let products = PairOperands(attributes).products
    var found = found
    for (number, (row, column)) in products.enumerated() {
      if let cotangent = ofValues[function.parameter(number)] { found.add(ofProduct: cotangent, row: row, column: column) }
    }
    found.addReads(of: function, ofValues, firstTable: 0, leading: products.count, writer)
    return try found.finish(&writer, &self)
  }
}

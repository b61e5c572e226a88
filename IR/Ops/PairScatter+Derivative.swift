extension Differentiation {
  /// The tangent of a scattered number: its tangent, scattered to the same elements.
  mutating func tangentsOfPairScatter(_ tangents: [ValueID?]) throws -> [ValueID?] {
    var (writer, function, ofYields) = differentiatedPairs(PairOperands(attributes), tangents)
    guard let tangent = ofYields[0] else { return [nil] }
    return [
      try writer.emit(
        scattering: tangent, to: Array(function.results.dropFirst()), of: type(results[0]), &self)
    ]
  }

  /// The cotangents of the operands: that of a pair's number is the element that it was added to.
  mutating func cotangentsOfPairScatter(_ cotangents: [ValueID?]) throws -> [ValueID?] {
    let (pairs, graph, cotangent) = (PairOperands(attributes), rewriter.result, cotangents[0]!)
    var writer = PairWriter(
      pairs.extents, products: pairs.products.map { (operands[$0.row], operands[$0.column]) }, pairElement, liveness, in: graph)
    let function = writer.write(
      regions[0], leading: pairs.products.indices.map(writer.product), tables: operands, in: graph)
    let indices = Array(function.results.dropFirst())
    var isInside: ScalarExpression?
    for (index, extent) in zip(indices, type(cotangent).shape.extents) {
      let end = writer.writer.extent(extent, index.element)
      let isBelow = !(index < 0.0) & index.applying(.less, end)
      isInside = isInside.map { $0 & isBelow } ?? isBelow
    }
    // The first element stands for one outside.
    let places = indices.map { index in isInside!.select(index, index.constant(Int64(0))) }
    var element = writer.writer.element(writer.number(of: cotangent, in: graph), places).converted(to: pairElement)
    if let isInside { element = isInside.select(element, element.constant(0.0)) }
    return try finishPairs(&writer, function, function.cotangents(of: [element] + indices.map { _ in nil }), PairCotangents(self))
  }
}

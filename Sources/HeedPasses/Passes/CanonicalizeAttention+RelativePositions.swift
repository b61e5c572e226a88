import HeedIR

/// A product with rows of a table that indices pick pair by pair: `contract(q "hid", gather(E, n) "ijd")`.
private struct GatheredProduct {
  let node: NodeID
  /// The operand that is gathered.
  let side: Int
  let table: ValueID
  let indices: ValueID
  /// The shape that the indices are read in.
  let extents: [Extent]
  /// The letters of the other operand, of the result, of the table's dimensions around the picked one, and of the indices.
  private let other: [Character]
  private let result: [Character]
  private let before: [Character]
  private let after: [Character]
  private let places: [Character]

  private static let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

  /// The letters of the indices that the other operand has, and the rest of the result.
  private var shared: [Character] { places.filter(other.contains) }
  private var rest: [Character] { result.filter { !places.contains($0) } }

  init?(_ node: NodeID, side: Int, in graph: Graph) {
    (self.node, self.side) = (node, side)
    let subscripts = graph.attributes(node).required(.subscripts)
    (other, result) = (side == 0 ? subscripts.right : subscripts.left, subscripts.result)
    var (value, letters) = (graph.inputs(node)[side], side == 0 ? subscripts.left : subscripts.right)
    // Repeated for batch dimensions, which the other operand has as well.
    if let repetition = graph.definingNode(value, where: .broadcast), let operand = graph.operands(repetition).first {
      let dims = graph.attributes(repetition).required(.dims)
      let extents = dims.map { graph.type(value).shape[$0] }
      let repeated = letters.indices.filter { !dims.contains($0) }.map { letters[$0] }
      guard graph.type(operand).shape.extents == extents, repeated.allSatisfy(other.contains) else { return nil }
      (value, letters) = (operand, dims.map { letters[$0] })
    }
    let shape = graph.type(value).shape.extents
    // The indices in one dimension, taken apart afterwards.
    let flat = graph.match(value, .reshape)?[0] ?? value
    guard let gather = graph.definingNode(flat, where: .gather) else { return nil }
    (table, indices) = (graph.inputs(gather)[0], graph.inputs(gather)[1])
    let dim = graph.attributes(gather).required(.dim)
    let type = graph.type(table).shape.extents
    let trailing = type.count - dim - 1
    guard shape.count >= dim + trailing, Array(shape.prefix(dim)) == Array(type.prefix(dim)),
      Array(shape.suffix(trailing)) == Array(type.suffix(trailing))
    else { return nil }
    extents = Array(shape[dim..<(shape.count - trailing)])
    places = Array(letters[dim..<(shape.count - trailing)])
    (before, after) = (Array(letters.prefix(dim)), Array(letters.suffix(trailing)))
    // A dimension that the other operand lacks, or there is one product for each picked row; none that is summed over.
    guard places.allSatisfy(result.contains), !shared.isEmpty, shared.count < places.count,
      Set(places).isDisjoint(with: before + after), Set(other + letters).count < Self.letters.count
    else { return nil }
  }

  /// What is stored as written, and what instead, in numbers at lengths of `length`; nil where the extents do not say.
  func storedNumbers(at length: Int, in graph: Graph) -> (written: Int, instead: Int)? {
    func count(_ extents: [Extent]) -> Int? { try? extents.reduce(Extent(1)) { $0 * $1 }.evaluate { _ in length } }
    let type = graph.type(graph.result(node)).shape.extents
    func extents(_ letters: [Character]) -> [Extent] { letters.map { type[result.firstIndex(of: $0)!] } }
    let dim = before.count
    guard let written = count(graph.type(graph.inputs(node)[side]).shape.extents), let product = count(type),
      let instead = count(extents(rest + shared) + [graph.type(table).shape[dim]])
    else { return nil }
    let (sum, overflow) = written.addingReportingOverflow(product)
    return (overflow ? .max : sum, instead)
  }

  /// Appends the product with the table and what the indices pick of it.
  func build(_ rewriter: inout GraphRewriter) throws -> ValueID {
    let graph = rewriter.source
    let letter = Self.letters.first { !(other + before + after + places).contains($0) }!
    let tableLetters = before + [letter] + after
    let products = rest + shared + [letter]
    let operands = [rewriter(graph.inputs(node)[1 - side]), rewriter(table)]
    let subscripts = ContractSubscripts(left: other, right: tableLetters, result: products)
    let all = try rewriter.result.appendResult(.contract, operands, attributes: [Attribute(.subscripts, subscripts)])
    let type = rewriter.result.type(all)
    let flat = TensorType(
      type.element,
      Shape(type.shape.extents.prefix(rest.count) + [type.shape.extents.suffix(shared.count + 1).reduce(1) { $0 * $1 }]))
    let row = try rewriter.result.appendResult(.reshape, [all], stated: flat)
    let picked = try pickedPlaces(count: type.shape.extents.last!, &rewriter)
    let gathered = try rewriter.result.appendResult(.gather, [row, picked.places], attributes: [Attribute(.dim, rest.count)])
    let permutation = result.map { letter in (rest + places).firstIndex(of: letter)! }
    var value = gathered
    if permutation != Array(permutation.indices) {
      value = try rewriter.result.appendResult(.transpose, [value], attributes: [Attribute(.permutation, permutation)])
    }
    if let inside = picked.areInside {
      let shape = rewriter.result.type(value)
      let dims = places.map { result.firstIndex(of: $0)! }
      let condition = try rewriter.result.appendResult(
        .broadcast, [inside], attributes: [Attribute(.dims, dims)], stated: TensorType(.bool, shape.shape))
      value = try rewriter.result.appendResult(.select, [condition, value, rewriter.result.appendScalar(.nan, shape.element)])
    }
    return value
  }

  /// The places in rows of `count` products each: row times count plus index. An index outside the table picks the next one inside; where
  /// there may be one, the second value says which are inside.
  private func pickedPlaces(count: Extent, _ rewriter: inout GraphRewriter) throws -> (places: ValueID, areInside: ValueID?) {
    var index = rewriter(indices)
    let element: ElementType = rewriter.result.type(index).element == .i64 ? .i64 : .i32
    let type = TensorType(element, Shape(extents))
    if rewriter.result.type(index).element != element {
      index = try rewriter.result.appendResult(.convert, [index], stated: TensorType(element, rewriter.result.type(index).shape))
    }
    if rewriter.result.type(index) != type { index = try rewriter.result.appendResult(.reshape, [index], stated: type) }
    func scalar(_ extent: Extent) throws -> ValueID {
      if let constant = extent.constant { return try rewriter.result.appendScalar(Literal(constant), element) }
      return try rewriter.result.appendResult(
        .extent, [], attributes: [Attribute(.extentValue, [extent])], stated: TensorType(element, .scalar))
    }
    var areInside: ValueID?
    if !rewriter.result.areInside(index, count) {
      let zero = try scalar(0)
      let isBelow = try rewriter.result.appendResult(.less, [index, scalar(count)])
      areInside = try rewriter.result.appendResult(.and, [rewriter.result.appendResult(.lessEqual, [zero, index]), isBelow])
      index = try rewriter.result.appendResult(
        .minimum, [rewriter.result.appendResult(.maximum, [index, zero]), scalar(count - 1)])
    }
    var row: ValueID?
    for (dimension, letter) in places.enumerated() where shared.contains(letter) {
      let own = try rewriter.result.appendResult(.iota, [], attributes: [Attribute(.dim, dimension)], stated: type)
      row =
        try row.map {
          let scaled = try rewriter.result.appendResult(.multiply, [$0, scalar(extents[dimension])])
          return try rewriter.result.appendResult(.add, [scaled, own])
        } ?? own
    }
    let first = try rewriter.result.appendResult(.multiply, [row!, scalar(count)])
    return (try rewriter.result.appendResult(.add, [first, index]), areInside)
  }
}

extension Graph {
  /// A product with gathered rows of a table is gathered from the product with the table.
  ///
  ///     %e = gather %table, %n {dim = 0} : f32[M, N, 16]
  ///     %s = contract %q, %e {subscripts = "hid,ijd->hij"} : f32[4, M, N]
  /// becomes
  ///     %a = contract %q, %table {subscripts = "hid,rd->hir"} : f32[4, M, 127]
  ///     %r = reshape %a : f32[4, 127*M]
  ///     %s = gather %r, %m {dim = 1} : f32[4, M, N]                    // %m is 127 times the row, plus %n
  ///
  /// The gather of M times N rows of 16 numbers is not stored, and scalar code reads the second gather pair by pair. Only below a
  /// softmax, and where the products with the table are fewer than what they replace.
  mutating func gatherProducts(_ context: inout PassContext) throws {
    var products: Set<NodeID> = []
    for node in body where op(node) == .softmax { products.formUnion(self.products(below: inputs(node)[0])) }
    var found: [NodeID: GatheredProduct] = [:]
    for node in body where products.contains(node) {
      guard let product = GatheredProduct(node, side: 0, in: self) ?? GatheredProduct(node, side: 1, in: self),
        let stored = product.storedNumbers(at: Self.typicalLength, in: self)
      else { continue }
      guard stored.instead <= stored.written else {
        let gathered = inputs(node)[product.side]
        context.remark(
          .declined, result(node), in: self,
          "\(label(gathered)) is gathered pair by pair: the product with all rows of \(label(product.table)) would be larger",
          storing: storedBytes(gathered))
        continue
      }
      found[node] = product
    }
    noteGatheredValues(&context)
    guard !found.isEmpty else { return }
    var rewriter = GraphRewriter(self)
    for node in body {
      guard let product = found[node] else {
        rewriter.copy(node)
        continue
      }
      rewriter.replace(result(node), with: try product.build(&rewriter))
      let label = label(inputs(node)[product.side])
      context.remark(
        .applied, result(node), in: self,
        "the product with \(label) gathered from the product with the table, so that \(label) is not stored")
    }
    self = rewriter.finish()
    eliminateDeadNodes()
  }

  /// Says what is stored where probabilities weigh rows of a table that are picked pair by pair.
  private func noteGatheredValues(_ context: inout PassContext) {
    for node in body where op(node) == .contract {
      let (inputs, subscripts) = (inputs(node), attributes(node).required(.subscripts))
      let sides = [subscripts.left, subscripts.right]
      for side in [0, 1] {
        guard let softmax = definingNode(inputs[side], where: .softmax), let rows = rows(of: softmax) else { continue }
        let repetition = definingNode(inputs[1 - side], where: .broadcast)
        let values = repetition.map { self.inputs($0)[0] } ?? inputs[1 - side]
        guard let gather = definingNode(values, where: .gather) else { continue }
        let letters = repetition.map { attributes($0).required(.dims).map { sides[1 - side][$0] } } ?? sides[1 - side]
        let picked = letters.dropFirst(attributes(gather).required(.dim)).prefix(type(self.inputs(gather)[1]).rank)
        guard subscripts.over.allSatisfy(picked.contains), rows.contains(where: { picked.contains(sides[side][$0]) }) else {
          continue
        }
        context.remark(
          .declined, result(node), in: self,
          "\(label(values)) has values for each pair: no kernel adds weights by their place in a table",
          storing: storedBytes(values))
      }
    }
  }

  /// The dimensions of a softmax's scores that its keys do not have, where a product of the same shape is below.
  private func rows(of softmax: NodeID) -> [Int]? {
    let scores = inputs(softmax)[0]
    guard let product = products(below: scores).first, type(result(product)).shape == type(scores).shape else { return nil }
    let subscripts = attributes(product).required(.subscripts)
    let key = subscripts.result[attributes(softmax).required(.dim)]
    let keys = subscripts.left.contains(key) ? subscripts.left : subscripts.right
    return subscripts.result.indices.filter { !keys.contains(subscripts.result[$0]) }
  }

  private func storedBytes(_ value: ValueID) -> Extent { type(value).shape.count * Extent(type(value).element.byteCount) }

  /// What symbols are taken to be where the sizes of two tensors are compared.
  private static var typicalLength: Int { 2048 }
}

import HeedIR

extension Graph {
  /// Appends a weighted sum of values of width 0 for each softmax of a product of which statistics alone are taken, so that they are
  /// statistics of an attention.
  ///
  ///     %p = softmax %scores {dim = 2} : f32[H, M, N]
  ///     %received = reduce %p {dims = [1], kind = add} : f32[H, N]
  /// becomes
  ///     ...
  ///     %0 = contract %p, %none {subscripts = "abc,acd->abd"} : f32[H, M, 0]
  ///
  /// Such a sum takes no time, and is dead where it is not fused. A product with a weight, as of a classifier or of a router to experts,
  /// stays: its weight is packed once, and its scores are read more than once.
  /// - Returns: the sums.
  mutating func appendEmptySums() throws -> Set<NodeID> {
    let users = GraphTables(self).users
    let ofCall = dependents(ofArguments: { $0 != .parameter })
    var sums: Set<NodeID> = []
    for softmax in body where op(softmax) == .softmax && hasStatisticsAlone(softmax, users) {
      let (scores, dim) = (inputs(softmax)[0], attributes(softmax).required(.dim))
      let shape = type(scores).shape
      guard let product = products(below: scores, atMost: 1).first, type(result(product)).shape == shape,
        operands(product).allSatisfy(ofCall.contains)
      else { continue }
      // The product's letters: an arrangement between it and the scores declines the sum later.
      let subscripts = attributes(product).required(.subscripts)
      let (letters, column) = (subscripts.result, subscripts.result[dim])
      guard !subscripts.batch.contains(column), let width = Self.letters.first(where: { !letters.contains($0) }) else { continue }
      let kept = letters.filter { subscripts.batch.contains($0) } + [column]
      let extents = kept.map { shape[letters.firstIndex(of: $0)!] } + [0]
      let element = type(result(softmax)).element
      let none = try appendResult(
        .broadcast, [appendScalar(0, element)], attributes: [Attribute(.dims, [])], stated: TensorType(element, Shape(extents)))
      let sum = try appendResult(
        .contract, [result(softmax), none],
        attributes: [
          Attribute(
            .subscripts,
            ContractSubscripts(left: letters, right: kept + [width], result: letters.filter { $0 != column } + [width]))
        ])
      sums.insert(definingNode(sum)!)
    }
    return sums
  }

  private static let letters: [Character] = (UInt8(ascii: "a")...UInt8(ascii: "z")).map { Character(UnicodeScalar($0)) }

  /// Whether elementwise ops and arrangements lead from the weights to reductions and greatest elements, and to nothing else.
  private func hasStatisticsAlone(_ softmax: NodeID, _ users: [[NodeID]]) -> Bool {
    var (pending, seen): ([NodeID], Set<NodeID>) = ([softmax], [])
    var found = false
    while let node = pending.popLast() {
      guard !results(node).contains(where: results.contains) else { return false }
      for user in results(node).flatMap({ users[Int($0.index)] }) where seen.insert(user).inserted {
        if op(user) == .reduce || op(user) == .topK {
          found = true
        } else if op(user).has(.elementwise) || [.reshape, .transpose, .slice].contains(op(user)) {
          pending.append(user)
        } else {
          return false
        }
      }
    }
    return found
  }
}

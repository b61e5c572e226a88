import HeedIR

/// A product of queries and keys, or of parts of them, times a constant.
private struct ScaledProduct {
  let node: NodeID
  var factor = 1.0
  /// For each operand the dimensions of the product that it has, nil for the one that is summed over.
  let axes: [[Int?]]

  /// The product that `value` is, where nothing else uses it.
  init?(_ value: ValueID, in graph: Graph, uses: [Int]) {
    var value = value
    while uses[Int(value.index)] == 1, let node = graph.definingNode(value) {
      if graph.op(node) == .contract {
        let subscripts = graph.attributes(node).required(.subscripts)
        guard subscripts.over.count == 1 else { return nil }
        self.node = node
        axes = [subscripts.left, subscripts.right].map { $0.map { subscripts.result.firstIndex(of: $0) } }
        return
      }
      guard let (inner, constant) = graph.scaledOperand(node) else { return nil }
      value = inner
      factor *= constant
    }
    return nil
  }

  func dimensions(_ side: Int) -> Set<Int> { Set(axes[side].compactMap { $0 }) }
}

/// The sum of two products, which becomes one product.
private struct SummedProducts {
  let first, second: ScaledProduct
  /// The operand of the second product that goes with each of the first.
  let sides: [Int]
  /// The dimensions of the sum that each operand of the one product has.
  let targets: [[Int]]
  /// What the second product's left operand is multiplied by.
  let ratio: Double

  init?(_ sum: NodeID, in graph: Graph, uses: [Int]) {
    let inputs = graph.inputs(sum)
    guard let first = ScaledProduct(inputs[0], in: graph, uses: uses), let second = ScaledProduct(inputs[1], in: graph, uses: uses),
      first.node != second.node, graph.type(inputs[0]) == graph.type(inputs[1])
    else { return nil }
    func all(_ side: Int, _ other: Int) -> Set<Int> { first.dimensions(side).union(second.dimensions(other)) }
    // The second product's operands, in the order that adds the fewest dimensions to those of the first's.
    let isCrossed = all(0, 1).count + all(1, 0).count < all(0, 0).count + all(1, 1).count
    let sides = isCrossed ? [1, 0] : [0, 1]
    (self.first, self.second, self.sides, ratio) = (first, second, sides, second.factor / first.factor)
    targets = [0, 1].map { all($0, sides[$0]).sorted() }
    let type = graph.type(graph.result(sum))
    guard targets.allSatisfy({ $0.count < type.rank }), ratio.isFinite, ratio != 0, type.element.keepsScale(ratio),
      [first, second].allSatisfy({ graph.type(graph.inputs($0.node)[0]).element == type.element })
    else { return nil }
  }

  /// Appends the one product.
  func build(_ sum: NodeID, _ rewriter: inout GraphRewriter) throws -> ValueID {
    let graph = rewriter.source
    let type = graph.type(graph.result(sum))
    var operands: [ValueID] = []
    for (side, target) in targets.enumerated() {
      let parts = try [(first, side), (second, sides[side])].enumerated().map { number, part in
        let (product, side) = part
        var value = rewriter(graph.inputs(product.node)[side])
        if number == 1, operands.isEmpty, ratio != 1 {
          let factor = try rewriter.result.appendScalar(ratio, type.element)
          value = try rewriter.result.appendResult(.multiply, [value, factor])
        }
        // The width is dimension -1.
        let axes = product.axes[side].map { $0 ?? -1 }
        let width = rewriter.result.type(value).shape[axes.firstIndex(of: -1)!]
        return try rewriter.result.arrange(value, axes, as: target + [-1], extent: { $0 == -1 ? width : type.shape[$0] })
      }
      operands.append(try rewriter.result.appendResult(.concatenate, parts, attributes: [Attribute(.dim, target.count)]))
    }
    let letters = Array("abcdefghijklmnopqrstuvwxy")
    let subscripts = ContractSubscripts(
      left: targets[0].map { letters[$0] } + ["z"], right: targets[1].map { letters[$0] } + ["z"],
      result: Array(letters.prefix(type.rank)))
    var value = try rewriter.result.appendResult(.contract, operands, attributes: [Attribute(.subscripts, subscripts)])
    if first.factor != 1 {
      let factor = try rewriter.result.appendScalar(first.factor, type.element)
      value = try rewriter.result.appendResult(.multiply, [value, factor])
    }
    return value
  }
}

extension Graph {
  /// The sum of two products of queries and keys becomes one product over both widths: `q k + (r l) * c` is `[q, r * c] [k, l]`.
  ///
  ///     %s = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, H, S, S]
  ///     %t = contract %r, %l {subscripts = "bhid,bjd->bhij"} : f32[B, H, S, S]
  ///     %x = add %s, %t : f32[B, H, S, S]
  /// becomes
  ///     %qr = concatenate %q, %r {dim = 3} : f32[B, H, S, 96]
  ///     %kl = concatenate %k, %m {dim = 3} : f32[B, H, S, 96]            // %m is %l repeated for each head
  ///     %x = contract %qr, %kl {subscripts = "bhid,bhjd->bhij"} : f32[B, H, S, S]
  ///
  /// Only below a softmax, where the product is not stored.
  mutating func joinSummedProducts(_ context: inout PassContext) throws {
    var sums: Set<NodeID> = []
    for node in body where op(node) == .softmax { sums.formUnion(sumsOfProducts(below: inputs(node)[0])) }
    guard !sums.isEmpty else { return }
    let uses = useCounts()
    var rewriter = GraphRewriter(self)
    for node in body {
      guard sums.contains(node), let products = SummedProducts(node, in: self, uses: uses) else {
        rewriter.copy(node)
        continue
      }
      let value = try products.build(node, &rewriter)
      rewriter.replace(result(node), with: value)
      let note = "the sum of two products of queries and keys made one product of both widths"
      context.remark(.applied, value, in: rewriter.result, note)
    }
    self = rewriter.finish()
    eliminateDeadNodes()
  }

  /// The sums from which `value` is computed by elementwise ops and views.
  private func sumsOfProducts(below value: ValueID) -> Set<NodeID> {
    Set(values(below: value, through: isElementwiseOrView).compactMap { definingNode($0, where: .add) })
  }
}

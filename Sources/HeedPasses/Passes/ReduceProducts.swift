import HeedIR

extension GraphPass {
  /// `reduce-products` computes what is taken of each row of a product without storing the product: of logits, what a loss is made of.
  ///
  ///     %s = contract %h, %table {subscripts = "td,vd->tv"} : f32[T, 30000]
  ///     %z = log_sum_exp %s {dim = 1} : f32[T]
  ///     %hits = equal %labels, %v : bool[T, 30000]                     // %v is an iota along the columns
  ///     %kept = select %hits, %s, 0.0 : f32[T, 30000]
  ///     %y = reduce %kept {dims = [1], kind = add} : f32[T]
  /// becomes
  ///     %out, %z = attention %h, %table, %none score (%s: f32, %i: i32, %j: i32) {       // %none has rows of width 0
  ///       yield %s
  ///     } where (%i: i32, %j: i32) {
  ///       yield true
  ///     } {log_sum_exp = true} : f32[T, 0], f32[T]
  ///     %rows = gather %table, %labels {dim = 0} : f32[T, 256]
  ///     %p = multiply %rows, %h : f32[T, 256]
  ///     %y = reduce %p {dims = [1], kind = add} : f32[T]
  ///
  /// Between the product and what takes its rows may stand elementwise ops and views: scales, a bias, a soft cap, masks, and the logarithm of
  /// the sum itself. Three uses are known (`ProductRows`):
  /// - the logarithm of the sum of exponentials of rows or columns: attention without values;
  /// - elements that integers pick, one for each row, by a `gather` or a comparison with places: the product of picked rows;
  /// - sums: the product with the sum of rows where they are linear in it (`LinearSums`), else a sum over pairs.
  ///
  /// Legal since each number is the same sum of products. Only where all uses of a product are such ones, since it is stored otherwise, and
  /// where it has more elements than its operands, as far as is known. Sums alone, which are not of a loss, have to be of rows whose numbers
  /// are symbols.
  public static let reduceProducts = GraphPass(
    "reduce-products", summary: "take sums and picked elements of the rows of a product without storing it"
  ) { graph, context in
    graph.eliminateDeadNodes()
    let tables = GraphTables(graph)
    var products: [ProductRows] = []
    for node in graph.body where graph.op(node) == .contract {
      do {
        let rows = try ProductRows(node, in: graph, tables)
        if rows.isWorthwhile { products.append(rows) }
      } catch let declined as Declined {
        remark(declined, node, graph, tables, &context)
      }
    }
    products = unshared(products)
    while !products.isEmpty {
      let uses = products.indices.reduce(into: [NodeID: Int]()) { all, number in
        for node in products[number].uses.keys { all[node] = number }
      }
      var rewriter = GraphRewriter(graph)
      var failed: Int?
      for node in graph.body {
        guard failed == nil, let number = uses[node] else {
          rewriter.copy(node)
          continue
        }
        do {
          rewriter.replace(graph.result(node), with: try products[number].build(node, products[number].uses[node]!, &rewriter))
        } catch let declined as Declined {
          failed = number
          remark(declined, products[number].product, graph, tables, &context)
          rewriter.copy(node)
        }
      }
      if let failed {
        products.remove(at: failed)
        continue
      }
      for rows in products {
        context.remark(
          .applied, graph.result(rows.product), in: graph,
          "it is not stored: \(rows.taken.formatted) of its rows \(rows.taken.count == 1 ? "is" : "are") computed from the rows that it multiplies"
        )
      }
      graph = rewriter.finish()
      graph.eliminateDeadNodes()
      return
    }
  }

  /// Those that share no use with another: a sum of two products is stored.
  private static func unshared(_ products: [ProductRows]) -> [ProductRows] {
    var counts: [NodeID: Int] = [:]
    for rows in products { for node in rows.uses.keys { counts[node, default: 0] += 1 } }
    return products.filter { rows in rows.uses.keys.allSatisfy { counts[$0] == 1 } }
  }

  /// Says why a product is stored of which a logarithm of sums is taken.
  private static func remark(
    _ declined: Declined, _ product: NodeID, _ graph: Graph, _ tables: GraphTables, _ context: inout PassContext
  ) {
    let value = graph.result(product)
    let isOfLoss = graph.body.contains { node in
      graph.op(node) == .logSumExp && graph.products(below: graph.inputs(node)[0]).contains(product)
    }
    guard isOfLoss else { return }
    let type = graph.type(value)
    context.remark(
      .declined, value, in: graph, "it is stored: \(declined.message)", storing: type.shape.count * Extent(type.element.byteCount))
  }
}

extension ProductRows {
  /// What is taken, in words.
  fileprivate var taken: [String] {
    uses.keys.sorted().reduce(into: []) { words, node in
      let word =
        switch uses[node]! {
        case .logSumExp: "the logarithm of the sum of exponentials"
        case .sum: "the sum"
        case .pick: "a picked element"
        }
      if !words.contains(word) { words.append(word) }
    }
  }
}

extension [String] {
  /// The words as a list.
  fileprivate var formatted: String { count < 2 ? joined() : dropLast().joined(separator: ", ") + " and " + last! }
}

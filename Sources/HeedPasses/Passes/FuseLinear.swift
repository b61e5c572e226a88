import HeedIR

extension GraphPass {
  /// `fuse-linear` puts the elementwise ops that follow a product into its epilogue, where the sums are still in registers.
  ///
  ///     %y = contract %x, %w {subscripts = "ti,io->to"} : f32[T, 1536]
  ///     %bias = broadcast %b {dims = [1]} : f32[T, 1536]
  ///     %z = add %y, %bias : f32[T, 1536]
  ///     %o = gelu %z : f32[T, 1536]
  /// becomes
  ///     %bias = broadcast %b {dims = [1]} : f32[T, 1536]
  ///     %o = linear %x, %w, %bias epilogue (%acc: f32, %bias: f32) {
  ///       %z = add %acc, %bias : f32
  ///       %o = gelu %z : f32
  ///       yield %o
  ///     } {subscripts = "ti,io->to"} : f32[T, 1536]
  ///
  /// Legal because the epilogue does the same ops on the same elements. The epilogue takes as many of the following elementwise ops as
  /// leave one value to the rest of the graph and fit one kernel. Then it takes those before them that nothing else uses, so that what
  /// they yield is not stored. The product itself must not be used elsewhere. Operands that are widened before the product are taken as
  /// they are, since the product widens them as well: bf16 in, sums in f32. Weights that come from parameters alone become the right
  /// operand, which is packed when the graph is loaded.
  public static let fuseLinear = GraphPass(
    "fuse-linear", summary: "put elementwise ops into the epilogue of the product before them"
  ) { graph, context in
    // The uses by dead nodes do not count.
    graph.eliminateDeadNodes()
    let tables = GraphTables(graph)
    let users = tables.users
    var taken: Set<NodeID> = []
    var epilogues: [NodeID: (product: NodeID, nodes: [NodeID])] = [:]
    for node in graph.body where graph.op(node) == .contract {
      let nodes = graph.epilogue(of: node, users: users, without: taken)
      if let last = nodes.last {
        epilogues[last] = (node, nodes)
        taken.formUnion(nodes)
        taken.insert(node)
      } else if graph.inputs(node).contains(where: { graph.widened($0) != nil }) {
        epilogues[node] = (node, [])
      } else {
        graph.sayWhyNot(node, users: users, taken: taken, &context)
      }
    }
    guard !epilogues.isEmpty else { return }
    for (last, (product, nodes)) in epilogues.sorted(by: { $0.key < $1.key }) {
      let all = graph.withProducers(nodes, following: product, tables, without: taken)
      epilogues[last] = (product, all)
      taken.formUnion(all)
    }
    var rewriter = GraphRewriter(graph)
    for node in graph.body {
      if let (product, nodes) = epilogues[node] {
        let value = try rewriter.appendLinear(product, nodes, tables)
        rewriter.result.setBlock(rewriter.result.definingNode(value)!, graph.block(product))
        rewriter.replace(graph.result(node), with: value)
        let ops = nodes.map { graph.op($0).mnemonic }.joined(separator: ", ")
        let name = graph.name(graph.result(product)).isNone ? "the product" : graph.label(graph.result(product))
        if !nodes.isEmpty { context.remark(.applied, value, in: rewriter.result, "\(ops) done in the epilogue of \(name)") }
        let narrow = graph.inputs(product).compactMap(graph.widened).map { graph.type($0).element.name }
        if !narrow.isEmpty {
          let sum = graph.type(graph.result(product)).element
          context.remark(
            .applied, value, in: rewriter.result, "\(name) takes \(narrow.joined(separator: " and ")) and sums in \(sum)")
        }
      } else if !taken.contains(node) {
        rewriter.copy(node)
      }
    }
    graph = rewriter.finish()
    graph.eliminateDeadNodes()
  }
}

extension Graph {
  /// Whether a node can be computed with the elements of a product.
  private func canJoin(_ node: NodeID, epilogueOf product: NodeID, without taken: Set<NodeID>) -> Bool {
    op(node).has(.elementwise) && !taken.contains(node) && type(result(node)).shape == type(result(product)).shape
      && canRunTogether([product, node])
  }

  /// The elementwise nodes that can follow `product` in its epilogue, in order.
  fileprivate func epilogue(of product: NodeID, users: [[NodeID]], without taken: Set<NodeID>) -> [NodeID] {
    var inside: Set<NodeID> = [product]
    // The nodes that others use or the graph returns. The epilogue has one result, that of its last node.
    var leaving: Set<NodeID> = [product]
    func leaves(_ node: NodeID) -> Bool {
      let value = result(node)
      return results.contains(value) || users[Int(value.index)].contains { !inside.contains($0) }
    }
    func canFollow(_ node: NodeID) -> Bool { canJoin(node, epilogueOf: product, without: taken) }
    // The value of a node that a node outside uses leaves the epilogue, so no later node can be its last.
    func canStayInside(_ node: NodeID) -> Bool {
      let value = result(node)
      return !results.contains(value) && users[Int(value.index)].allSatisfy(canFollow)
    }
    guard canStayInside(product) else { return [] }
    var nodes: [NodeID] = []
    var (size, best) = (0, 0)
    var pending = Set(users[Int(result(product).index)])
    // Users come after what they use, so the least pending node is the next in the graph's order.
    while let node = pending.min() {
      pending.remove(node)
      guard canFollow(node) else { continue }
      size += RegionSize.instructions(node, in: self)
      if size > RegionSize.limit { break }
      inside.insert(node)
      nodes.append(node)
      pending.formUnion(users[Int(result(node).index)])
      if leaves(node) { leaving.insert(node) }
      for producer in operands(node).compactMap(definingNode) where leaving.contains(producer) && !leaves(producer) {
        leaving.remove(producer)
      }
      // What ends in a widening is stored before it: whoever reads it widens it.
      if leaving == [node] || leaving.isEmpty, widened(result(node)) == nil { best = nodes.count }
      if !canStayInside(node) { break }
    }
    return Array(nodes.prefix(best))
  }

  /// The nodes of an epilogue and the elementwise nodes before them that only they use, in the graph's order, as far as one kernel has
  /// room. What is computed once, when the graph is loaded, stays so.
  fileprivate func withProducers(
    _ nodes: [NodeID], following product: NodeID, _ tables: GraphTables, without taken: Set<NodeID>
  ) -> [NodeID] {
    var inside = Set(nodes)
    var size = nodes.reduce(0) { $0 + RegionSize.instructions($1, in: self) }
    var pending = nodes
    while let node = pending.popLast() {
      for producer in operands(node).compactMap(definingNode) where !inside.contains(producer) {
        guard canJoin(producer, epilogueOf: product, without: taken) else { continue }
        let value = result(producer)
        let users = tables.users[Int(value.index)]
        guard !results.contains(value), !tables.isKnownAtLoad(value), users.allSatisfy(inside.contains) else { continue }
        size += RegionSize.instructions(producer, in: self)
        if size > RegionSize.limit { return inside.sorted() }
        inside.insert(producer)
        pending.append(producer)
      }
    }
    return inside.sorted()
  }

  fileprivate func sayWhyNot(_ product: NodeID, users: [[NodeID]], taken: Set<NodeID>, _ context: inout PassContext) {
    let value = result(product)
    let elementwise = users[Int(value.index)].filter { op($0).has(.elementwise) }
    guard let first = elementwise.first else { return }
    if taken.contains(first) {
      context.remark(.declined, value, in: self, "no epilogue: \(label(result(first))) is in the epilogue of another product")
    } else if results.contains(value) {
      context.remark(.declined, value, in: self, "no epilogue: the product is returned by the graph as well")
    } else if let other = users[Int(value.index)].first(where: { $0 != first }) {
      context.remark(
        .declined, value, in: self,
        "no epilogue: the product is used by \(label(results(other)[0])) as well as \(label(result(first)))")
    }
  }

}

extension GraphRewriter {
  /// Appends a `linear` for a product and the nodes after it.
  fileprivate mutating func appendLinear(_ product: NodeID, _ nodes: [NodeID], _ tables: GraphTables) throws -> ValueID {
    let accumulator = source.result(product)
    let last = nodes.last ?? product
    var region = ElementwiseRegion(source, nodes: nodes, leading: [accumulator], results: [source.result(last)])
    region.rename(0, "acc")
    var operands = source.inputs(product).map { self(source.widened($0) ?? $0) }
    var subscripts = source.attributes(product).required(.subscripts)
    let isWeight = source.inputs(product).map(tables.isKnownAtLoad)
    if isWeight[0], !isWeight[1] {
      operands.reverse()
      subscripts = subscripts.swapped
    }
    return try append(
      .linear, operands + region.operands.dropFirst().map { self($0) }, attributes: [Attribute(.subscripts, subscripts)],
      regions: [region.function])
  }
}

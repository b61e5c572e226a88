import HeedIR

extension AttentionPlan {
  /// What a reader wants to know of the fused op: what became of scale, bias and mask.
  func describe(offsets: ValueID?) -> [String] {
    let graph = sum.graph
    var findings: [String] = []
    if let scale = scale { findings.append("scale \(scale) folded into the score") }
    let (inScore, inMask) = (score.tables(of: score.results), live.tables(of: live.results))
    func list(_ numbers: Set<Int>) -> String {
      numbers.sorted().map { graph.label(captured[$0]) }.joined(separator: ", ")
    }
    if !inScore.isEmpty { findings.append("the score reads \(list(inScore))") }
    if let offsets { findings.append("pairs live in the segments of \(graph.label(offsets))") }
    if live.constant(live.results[0])?.integer == 1 {
      if offsets == nil { findings.append("no mask") }
    } else {
      let extents = live.instructions.compactMap { if case .extent(let extent) = $0.operation { extent } else { Extent?.none } }
      findings.append(
        !inMask.isEmpty
          ? "the mask reads \(list(inMask))"
          : extents.isEmpty
            ? "the mask depends on indices only"
            : "the mask depends on indices and \(extents.map(\.description).joined(separator: ", "))")
    }
    if let factor {
      let read = factor.tables(of: factor.results)
      findings.append(
        "each weight is multiplied after the softmax by a factor that "
          + (read.isEmpty ? "depends on indices only" : "reads \(list(read))"))
    }
    if sum.weights.softmax == nil { findings.append("the scores weigh the values as they are, without a softmax") }
    if let sink = sum.weights.sink { findings.append("\(graph.label(sink)) is a sink: a score more in each row, of value 0") }
    let results = outputs.rows.map { graph.label(graph.result($0)) }
    if !results.isEmpty { findings.append("it gives \(results.joined(separator: " and ")) as well") }
    let statistics = outputs.statistics.map { graph.label(graph.results($0.node)[0]) }
    if !statistics.isEmpty {
      findings.append("a second pass over the keys gives \(statistics.joined(separator: " and ")), statistics of its weights")
    }
    return findings
  }

  /// The constant that multiplies the product of query and key.
  private var scale: String? {
    for instruction in score.instructions where instruction.operation == .elementwise(.multiply) {
      if instruction.operands[0] == score.parameter(0), let scale = score.constant(instruction.operands[1]) {
        return scale.text(as: instruction.type)
      }
    }
    return nil
  }
}

extension AttentionPlan {
  /// The float inputs with a number per key that are added to the score, or to a score that is multiplied by such: where they are masks,
  /// bools would let tiles be skipped.
  var floatMaskNotes: [String] {
    let column = score.parameters.count - 1
    let added = score.instructions.filter { [.elementwise(.add), .elementwise(.subtract)].contains($0.operation) }.flatMap(
      \.operands)
    let beside = added.filter { !score.parameters(of: $0).contains(0) && score.parameters(of: $0).contains(column) }
    let tables = score.tables(of: beside)
    let perKey = score.instructions.indices.compactMap { number -> Int? in
      guard case .element(let table) = score.instructions[number].operation, tables.contains(table) else { return nil }
      let indices = score.instructions[number].operands
      return indices.contains { score.parameters(of: $0).contains(column) } ? table : nil
    }
    return Set(perKey).sorted().flatMap { floatInputs(below: captured[$0]) }.map {
      "\(sum.graph.label($0)) is added as floats, so that no tile is skipped for it; where it only masks, give bools and select -inf"
    }
  }

  /// The float inputs that a tensor is made from element by element.
  private func floatInputs(below value: ValueID) -> [ValueID] {
    sum.graph.values(below: value, through: sum.graph.isElementwiseOrView).filter {
      guard case .argument(let position) = sum.graph.origin($0), sum.graph.type($0).element.isFloat else { return false }
      return sum.graph.arguments[position].role == .input
    }
  }

  /// Where a statistic as built differs from it as written.
  var statisticNotes: [String] {
    outputs.statistics.compactMap { found in
      guard case .reduction = found.kind, let value = try? found.value(self, .f32), value.guardsZero else { return nil }
      return
        "\(sum.graph.label(sum.graph.results(found.node)[0])): a weight of 0 counts as 0, where the written form has 0 times an infinity"
    }
  }
}

extension ScoreParts {
  /// What the numeric contract made of finite mask values.
  func notes(isRowEmpty: Bool) -> [String] {
    func text(_ fill: Double) -> String { Literal(fill).text(as: .f32) }
    return finiteFills.map { fill in
      "the mask value \(text(fill)) counts as -inf"
        + (isRowEmpty ? " in rows that keep a key; others are computed as written" : ": every row keeps a key")
    }
      + keptFills.map { fill in
        "the mask value \(text(fill)) is above \(text(MaskSplit.threshold)): kept as a score, so its pairs are computed and no tile is skipped for it"
      }
  }
}

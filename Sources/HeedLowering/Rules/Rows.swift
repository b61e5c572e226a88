import HeedIR

/// Ops that reduce each row of a tensor and then change its elements: softmax and the norms.
extension LoweringRule {
  /// exp(x - max) / sum, in three sweeps over a block of rows. A row of -inf only becomes zeros.
  static let softmax = LoweringRule { context, node in
    try context.emitRows(node, dimension: context.graph.attributes(node).required(.dim)) { rows in
      let maximum = rows.statistic("maximum", startingAt: -.infinity)
      let sum = rows.statistic("sum", startingAt: 0)
      rows.sweep { body, point in body.accumulate(.maximum, rows.element(point, &body), maximum(point)) }
      let isNarrow = rows.element != rows.stored
      func weight(_ body: inout BodyBuilder, _ point: RowKernel.Point) throws -> BodyValue {
        let shifted = body.apply(.subtract, rows.element(point, &body), body.load(maximum(point), rows.element))
        return body.apply(.exp, shifted)
      }
      // -inf - -inf would be NaN: a row without a finite element is shifted by 0.
      rows.forEachRow { body, point in
        let largest = body.load(maximum(point), rows.element)
        let isDead = body.apply(.equal, largest, body.constant(-.infinity, rows.element))
        body.store(body.apply(.select, isDead, body.constant(0, rows.element), largest), maximum(point))
      }
      try rows.sweep { body, point in
        let weight = try weight(&body, point)
        if !isNarrow { body.store(weight, rows.result(point)) }
        body.accumulate(.add, weight, sum(point))
      }
      rows.forEachRow { body, point in
        let total = body.load(sum(point), rows.element)
        let isDead = body.apply(.equal, total, body.constant(0, rows.element))
        let inverse = body.apply(.divide, body.constant(1, rows.element), total)
        body.store(body.apply(.select, isDead, body.constant(0, rows.element), inverse), sum(point))
      }
      try rows.sweep { body, point in
        // Narrow results would round the weights before they are scaled: those are computed again.
        let weight = try isNarrow ? weight(&body, point) : body.load(rows.result(point), rows.element)
        body.store(body.apply(.multiply, weight, body.load(sum(point), rows.element)), rows.result(point))
      }
    }
  }

  /// (x - mean) / sqrt(variance + epsilon) * scale + bias; the variance is that of the differences from the mean.
  static let layerNorm = LoweringRule { context, node in
    let operands = Array(context.graph.operands(node))
    let epsilon = context.graph.attributes(node).required(.epsilon).real
    try context.emitRows(
      node, dimension: context.graph.type(operands[0]).rank - 1, perColumn: Array(operands.dropFirst())
    ) { rows in
      let mean = rows.statistic("mean", startingAt: 0)
      let variance = rows.statistic("variance", startingAt: 0)
      rows.sweep { body, point in body.accumulate(.add, rows.element(point, &body), mean(point)) }
      rows.forEachRow { body, point in
        body.store(body.apply(.divide, body.load(mean(point), rows.element), rows.count(&body)), mean(point))
      }
      rows.sweep { body, point in
        let difference = body.apply(.subtract, rows.element(point, &body), body.load(mean(point), rows.element))
        body.accumulate(.add, body.apply(.multiply, difference, difference), variance(point))
      }
      rows.forEachRow { body, point in
        let average = body.apply(.divide, body.load(variance(point), rows.element), rows.count(&body))
        let deviation = body.apply(.sqrt, body.apply(.add, average, body.constant(epsilon, rows.element)))
        body.store(body.apply(.divide, body.constant(1, rows.element), deviation), variance(point))
      }
      rows.sweep { body, point in
        let difference = body.apply(.subtract, rows.element(point, &body), body.load(mean(point), rows.element))
        let normal = body.apply(.multiply, difference, body.load(variance(point), rows.element))
        let scale = rows.perColumn(0, point, &body)
        body.store(body.apply(.fusedMultiplyAdd, normal, scale, rows.perColumn(1, point, &body)), rows.result(point))
      }
    }
  }

  /// x / sqrt(mean of squares + epsilon) * scale.
  static let rmsNorm = LoweringRule { context, node in
    let operands = Array(context.graph.operands(node))
    let epsilon = context.graph.attributes(node).required(.epsilon).real
    try context.emitRows(
      node, dimension: context.graph.type(operands[0]).rank - 1, perColumn: Array(operands.dropFirst())
    ) { rows in
      let square = rows.statistic("square", startingAt: 0)
      rows.sweep { body, point in
        let x = rows.element(point, &body)
        body.accumulate(.add, body.apply(.multiply, x, x), square(point))
      }
      rows.forEachRow { body, point in
        let average = body.apply(.divide, body.load(square(point), rows.element), rows.count(&body))
        let root = body.apply(.sqrt, body.apply(.add, average, body.constant(epsilon, rows.element)))
        body.store(body.apply(.divide, body.constant(1, rows.element), root), square(point))
      }
      rows.sweep { body, point in
        let normal = body.apply(.multiply, rows.element(point, &body), body.load(square(point), rows.element))
        body.store(body.apply(.multiply, normal, rows.perColumn(0, point, &body)), rows.result(point))
      }
    }
  }
}

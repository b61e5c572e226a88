import HeedIR

extension LoweringRule {
  /// The cotangents of a norm's operands: rows in three sweeps, like the norm, and sums of columns beside the last one.
  static let normGradient = LoweringRule { context, node in
    let operands = Array(context.graph.operands(node))
    let attributes = context.graph.attributes(node)
    let (epsilon, isCentered) = (attributes.required(.epsilon).real, attributes.isSet(.centered))
    try context.emitRows(
      node, dimension: context.graph.type(operands[0]).rank - 1, rows: [operands[0], operands[2]], perColumn: [operands[1]]
    ) { rows in
      let element = rows.element
      let (mean, variance) = (rows.statistic("mean", startingAt: 0), rows.statistic("variance", startingAt: 0))
      let (level, along) = (rows.statistic("level", startingAt: 0), rows.statistic("along", startingAt: 0))
      /// The cotangent of an element, x less the mean of its row, and the cotangent of the normalised element.
      func terms(
        _ point: RowKernel.Point, _ body: inout BodyBuilder
      ) -> (cotangent: BodyValue, difference: BodyValue, inner: BodyValue) {
        let (x, cotangent) = (rows.element(point, &body), rows.element(point, of: 1, &body))
        let difference = isCentered ? body.apply(.subtract, x, body.load(mean(point), element)) : x
        return (cotangent, difference, body.apply(.multiply, cotangent, rows.perColumn(0, point, &body)))
      }
      /// Makes a mean of what was added up.
      func average(_ sum: (RowKernel.Point) -> Access, _ point: RowKernel.Point, _ body: inout BodyBuilder) -> BodyValue {
        body.apply(.divide, body.load(sum(point), element), rows.count(&body))
      }

      if isCentered {
        rows.sweep { body, point in body.accumulate(.add, rows.element(point, &body), mean(point)) }
        rows.forEachRow { body, point in body.store(average(mean, point, &body), mean(point)) }
      }
      rows.sweep { body, point in
        let (_, difference, inner) = terms(point, &body)
        body.accumulate(.add, body.apply(.multiply, difference, difference), variance(point))
        if isCentered { body.accumulate(.add, inner, level(point)) }
        body.accumulate(.add, body.apply(.multiply, difference, inner), along(point))
      }
      rows.forEachRow { body, point in
        let square = body.apply(.add, average(variance, point, &body), body.constant(epsilon, element))
        // From here on, `variance` has the reciprocal of the deviation, and `along` what a difference is multiplied by.
        let scale = body.apply(.divide, body.constant(1, element), body.apply(.sqrt, square))
        body.store(scale, variance(point))
        body.store(average(level, point, &body), level(point))
        body.store(body.apply(.multiply, average(along, point, &body), body.apply(.multiply, scale, scale)), along(point))
      }
      rows.sweep { body, point in
        let (cotangent, difference, inner) = terms(point, &body)
        let scale = body.load(variance(point), element)
        let centered = isCentered ? body.apply(.subtract, inner, body.load(level(point), element)) : inner
        let rest = body.apply(.subtract, centered, body.apply(.multiply, difference, body.load(along(point), element)))
        body.store(body.apply(.multiply, scale, rest), rows.result(point))
        let normal = body.apply(.multiply, difference, scale)
        body.accumulate(.add, body.apply(.multiply, cotangent, normal), rows.columnSum(0, point))
        if isCentered { body.accumulate(.add, cotangent, rows.columnSum(1, point)) }
      }
    }
  }
}

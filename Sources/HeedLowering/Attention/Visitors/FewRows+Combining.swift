import HeedIR
import HeedSchedule

extension FewRows {
  /// The phase that puts the parts of each row together, each with the weight that its maximum has beside the greatest, in order.
  func combine(_ parts: Parts, when condition: IntegerExpression?) throws {
    let (domain, indices) = kernel.batchDomain(Array(0..<shape.batchRank))
    let (queryDomain, query) = builder.dimension("i", IntegerExpression(shape.queries))
    let (element, width) = (types.accumulator, IntegerExpression.constant(shape.valueWidth))
    try builder.phase("combine", domain + [queryDomain], when: condition) {
      let head = shape.groupDimensions.reduce(IntegerExpression(integerLiteral: 0)) {
        $0 * IntegerExpression(shape.batch[$1]) + indices[$1]
      }
      let row = builder.define("row", head * IntegerExpression(shape.queries) + query)
      func access(_ place: Place, _ part: IntegerExpression, _ rest: IntegerExpression...) -> Access {
        Access(place, (shape.panelDimensions.map { indices[$0] } + [part, row] + rest).map { Access.Index($0) })
      }
      let accumulator = builder.tile("accumulator", element, [max(shape.valueWidth, 1)])
      func begin() {
        builder.map([("e", width)]) { body, index in body.store(body.constant(0, element), Access(accumulator, index[0])) }
      }
      let result: (inout BodyBuilder, BodyValue) throws -> BodyValue
      if sum.weighsByScore {
        begin()
        try addParts(parts, into: accumulator, access) { body, _ in body.constant(1, element) }
        if let sums = parts.weightSum, let output = sum.rows.weightSum {
          let total = builder.scalar("weight_sum", element, initial: .literal(Literal(0.0)))
          builder.loop("s", to: IntegerExpression(parts.count)) { part in
            builder.compute { $0.accumulate(.add, $0.load(access(sums, part), element), total.access) }
          }
          builder.compute { $0.store($0.load(total.access, element), output.access(indices + [query])) }
        }
        result = { _, value in value }
      } else {
        let factor = builder.scalar("factor", element)
        func combine() throws -> IntegerExpression {
          begin()
          return try combineWeights(parts, into: accumulator, access, at: indices + [query], factor)
        }
        if kernel.scoreOfDead == nil {
          _ = try combine()
        } else {
          let isDue = builder.scalar("is_due", .i32, initial: .expression(1))
          try builder.loop("round", to: 2) { round in
            try builder.branch(isDue.isSet) {
              builder.set(isDue, try combine())
              try builder.branch(.apply(.and, isDue.isSet, .equal(round, 0))) {
                try attendWithoutKeys(indices, query, number: row, parts)
              }
            }
          }
        }
        result = { body, value in body.apply(.multiply, value, body.load(factor.access, element)) }
      }
      try builder.map([("e", width)]) { body, index in
        let value = try result(&body, body.load(Access(accumulator, index[0]), element))
        body.store(value, sum.output.access(indices + [query, index[0]]))
        if let unrounded = sum.rows.unrounded { body.store(value, unrounded.access(indices + [query, index[0]])) }
      }
    }
  }

  /// The place of this row's result of a part in one of the parts' buffers.
  private typealias RowAccess = (_ place: Place, _ part: IntegerExpression, _ rest: IntegerExpression...) -> Access

  /// The weighted sum of the parts relative to the greatest maximum, and the `factor` that it is to be multiplied by.
  /// - Returns: a condition, whether no pair lived.
  private func combineWeights(
    _ parts: Parts, into accumulator: Place, _ access: RowAccess, at row: [IntegerExpression], _ factor: Scalar
  ) throws -> IntegerExpression {
    let element = types.accumulator
    let maximum = builder.scalar("maximum", element, initial: .literal(Literal(-Double.infinity)))
    let total = builder.scalar("sum", element, initial: .literal(Literal(0.0)))
    let weightTotal = parts.weightSum.map {
      (parts: $0, sum: builder.scalar("weight_sum", element, initial: .literal(Literal(0.0))))
    }
    builder.map([("s", IntegerExpression(parts.count))]) { body, index in
      body.accumulate(.maximum, body.load(access(parts.maximum, index[0]), element), maximum.access)
    }
    /// The weight of a part; that of one without a live key is 0.
    func weight(_ part: IntegerExpression, in body: inout BodyBuilder) throws -> BodyValue {
      let shift = try kernel.shift(by: body.load(maximum.access, element), in: &body)
      return try kernel.power(body.apply(.subtract, body.load(access(parts.maximum, part), element), shift), in: &body)
    }
    try addParts(parts, into: accumulator, access) { body, part in
      try weight(part, in: &body)
    } alongside: { part in
      try builder.compute { body in
        let weight = try weight(part, in: &body)
        body.accumulate(.add, body.apply(.multiply, body.load(access(parts.sum, part), element), weight), total.access)
        if let (sums, sum) = weightTotal {
          body.accumulate(.add, body.apply(.multiply, body.load(access(sums, part), element), weight), sum.access)
        }
      }
    }
    try builder.compute { body in
      let (most, all) = (body.load(maximum.access, element), body.load(total.access, element))
      let weightSum = weightTotal.map { body.load($0.sum.access, element) }
      body.store(try sum.rows.finish(most, all, weightSum: weightSum, at: row, in: &body), factor.access)
    }
    guard kernel.scoreOfDead != nil else { return 0 }
    let isEmpty = builder.scalar("is_empty", .i32)
    builder.compute { body in
      let isDead = body.apply(.equal, body.load(maximum.access, element), body.constant(-.infinity, element))
      body.store(body.apply(.convert, isDead, type: .i32), isEmpty.access)
    }
    return isEmpty.value
  }

  /// Adds the values of the parts, each times its weight, in order.
  private func addParts(
    _ parts: Parts, into accumulator: Place, _ access: RowAccess,
    weight: (_ body: inout BodyBuilder, _ part: IntegerExpression) throws -> BodyValue,
    alongside: (_ part: IntegerExpression) throws -> Void = { _ in }
  ) throws {
    let element = types.accumulator
    try builder.loop("s", to: IntegerExpression(parts.count)) { part in
      try alongside(part)
      try builder.map([("e", .constant(shape.valueWidth))]) { body, index in
        let place = Access(accumulator, index[0])
        let value = body.load(access(parts.values, part, index[0]), element)
        body.store(try body.apply(.fusedMultiplyAdd, value, weight(&body, part), body.load(place, element)), place)
      }
    }
  }
}

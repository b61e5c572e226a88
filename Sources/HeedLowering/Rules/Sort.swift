import HeedIR

extension LoweringRule {
  /// The elements of each row in order: a merge sort from runs of one element up, in time N log N.
  ///
  /// A pass merges runs from the result into a workspace, and those, twice as long, back into the result. Of equal elements the one of the
  /// left run is taken first, so the order is stable.
  static let sort = LoweringRule { context, node in
    let operand = context.graph.operands(node).first!
    let type = context.graph.type(operand)
    let isDescending = context.graph.attributes(node).isSet(.descending)
    let source = context.source(operand)
    let outputs = context.allocateResults(node)
    let (values, indices) = (outputs[.values]!, outputs[.indices]!)
    let builder = KernelBuilder(Op.sort)
    let input = builder.input(source)
    let result = (
      values: builder.output(values, name: ResultName.values.name), indices: builder.output(indices, name: ResultName.indices.name)
    )
    let work = SortedRuns(builder, "work", type)
    // Numbers that are rounded as they are stored are compared before.
    let isRounded = values.element != type.element
    let runs =
      isRounded
      ? SortedRuns(builder, "sorted", type)
      : SortedRuns(values: { result.values.access($0) }, indices: { result.indices.access($0) })
    let (domain, row) = builder.domain(type.shape.extents.dropLast())
    let length = IntegerExpression(type.shape.extents.last!)
    builder.phase("run", domain) {
      builder.map([("c", length)]) { body, at in
        body.store(input.read(row + at, as: type.element, in: &body), runs.values(row + at))
        body.store(body.index(at[0], .i32), runs.indices(row + at))
      }
      let merge = Merge(type.element, isDescending, row, length, builder)
      builder.loop("pass", to: 16) { pass in
        let width = builder.define("width", .apply(.shiftLeft, 1, pass * 2))
        builder.branch(.apply(.less, width, length)) {
          merge.emit(from: runs, to: work, width)
          merge.emit(from: work, to: runs, width * 2)
        }
      }
      if isRounded {
        builder.map([("c", length)]) { body, at in
          body.store(body.load(runs.values(row + at), type.element), result.values.access(row + at))
          body.store(body.load(runs.indices(row + at), .i32), result.indices.access(row + at))
        }
      }
    }
    try context.emit(builder, cost: context.cost(node))
  }
}

/// The elements of a row and the indices that they had, in runs that are in order.
private struct SortedRuns {
  let values: ([IntegerExpression]) -> Access
  let indices: ([IntegerExpression]) -> Access

  init(values: @escaping ([IntegerExpression]) -> Access, indices: @escaping ([IntegerExpression]) -> Access) {
    (self.values, self.indices) = (values, indices)
  }

  /// Runs in workspaces of the shape of `type`.
  init(_ builder: KernelBuilder, _ name: String, _ type: TensorType) {
    let values = builder.workspace(Name("\(name)_values"), type)
    let indices = builder.workspace(Name("\(name)_indices"), TensorType(.i32, type.shape))
    self.init(
      values: { Access(values, $0.map { Access.Index($0) }) }, indices: { Access(indices, $0.map { Access.Index($0) }) })
  }
}

/// Merges neighbouring runs of a row.
private struct Merge {
  let element: ElementType
  let isDescending: Bool
  let row: [IntegerExpression]
  let length: IntegerExpression
  let builder: KernelBuilder
  /// The next element of the left run and of the right one, and whether the right one is taken.
  let left: Scalar
  let right: Scalar
  let takesRight: Scalar

  init(
    _ element: ElementType, _ isDescending: Bool, _ row: [IntegerExpression], _ length: IntegerExpression, _ builder: KernelBuilder
  ) {
    (self.element, self.isDescending, self.row, self.length, self.builder) = (element, isDescending, row, length, builder)
    left = builder.scalar("left", .i64, initial: 0)
    right = builder.scalar("right", .i64, initial: 0)
    takesRight = builder.scalar("takes_right", .i64, initial: 0)
  }

  /// Two runs of `width` elements after the other become one; the last ones may be shorter.
  func emit(from source: SortedRuns, to target: SortedRuns, _ width: IntegerExpression) {
    let twice = builder.define("twice", width * 2)
    builder.loop("pair", to: (length + twice - 1) / twice) { pair in
      let start = builder.define("start", pair * twice)
      let middle = builder.define("middle", .smaller(start + width, length))
      let end = builder.define("end", .smaller(start + twice, length))
      builder.set(left, start)
      builder.set(right, middle)
      builder.loop("k", from: start, to: end) { place in
        builder.compute { body in
          // A run that is used up yields any element; it is not taken.
          let last = length - 1
          let (atLeft, atRight) = (row + [.smaller(left.value, last)], row + [.smaller(right.value, last)])
          func value(_ access: Access) -> BodyValue {
            body.apply(.convert, body.load(access, element), type: element.accumulated)
          }
          let (x, y) = (value(source.values(atLeft)), value(source.values(atRight)))
          let isLeftUsed = body.index(.apply(.lessEqual, middle, left.value), .i64)
          let isRightLeft = body.index(.apply(.less, right.value, end), .i64)
          let isFirst = body.apply(.convert, isOrdered(y, x, &body), type: .i64)
          let takes = body.apply(.or, isLeftUsed, body.apply(.and, isRightLeft, isFirst))
          let isRight = body.apply(.notEqual, takes, body.constant(Literal(0), .i64))
          body.store(takes, takesRight.access)
          body.store(body.apply(.select, isRight, y, x), target.values(row + [place]))
          let indices = (body.load(source.indices(atLeft), .i32), body.load(source.indices(atRight), .i32))
          body.store(body.apply(.select, isRight, indices.1, indices.0), target.indices(row + [place]))
        }
        builder.set(left, left.value + 1 - takesRight.value)
        builder.set(right, right.value + takesRight.value)
      }
    }
  }

  /// Whether `x` comes before `y`, and not only because of their places. NaN comes last.
  private func isOrdered(_ x: BodyValue, _ y: BodyValue, _ body: inout BodyBuilder) -> BodyValue {
    let isBefore = isDescending ? body.apply(.less, y, x) : body.apply(.less, x, y)
    guard element.isFloat else { return isBefore }
    let isNumberBeforeNaN = body.apply(.and, body.apply(.equal, x, x), body.apply(.notEqual, y, y))
    return body.apply(.or, isBefore, isNumberBeforeNaN)
  }
}

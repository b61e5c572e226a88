import HeedIR

/// Sums of columns over all rows: each task adds those of its rows, and these are added in order. The number of tasks depends on shapes alone.
struct ColumnSums {
  private let builder: KernelBuilder
  private let outputs: [BoundView]
  private let element: ElementType
  private let columns: Extent
  /// The extents before the rows.
  private let outer: [Extent]
  private let rows: Extent
  /// By sum, those of each task: [outer..., tasks, columns].
  let places: [Place]

  /// The rows of a task; where nothing is summed, a block.
  var rowsOfTask: Int { outputs.isEmpty ? RowKernel.blockRows : Self.rowsOfSum }
  private static let rowsOfSum = 4 * RowKernel.blockRows

  init(
    _ builder: KernelBuilder, _ outputs: [BoundView], of element: ElementType, columns: Extent, outer: [Extent], rows: Extent
  ) {
    (self.builder, self.outputs, self.element, self.columns, self.outer, self.rows) = (
      builder, outputs, element, columns, outer, rows
    )
    let shape = Shape(outer + [rows.dividedRoundingUp(by: Self.rowsOfSum), columns])
    places = outputs.indices.map { builder.workspace(Name("sums\($0)"), TensorType(element, shape)) }
  }

  /// The sum of a column of the task that has the row `row`.
  func place(_ sum: Int, _ outer: [IntegerExpression], _ row: IntegerExpression, _ column: IntegerExpression) -> Access {
    Access(places[sum], (outer + [row / .constant(rowsOfTask), column]).map { Access.Index($0) })
  }

  /// Sets the sums of a task to 0.
  func clear(_ outer: [IntegerExpression], _ row: IntegerExpression) {
    for sum in places.indices {
      builder.map([("c", IntegerExpression(columns))]) { body, index in
        body.store(body.constant(0, element), place(sum, outer, row, index[0]))
      }
    }
  }

  /// The phase that adds the sums of the tasks, in order.
  func combine() {
    guard !places.isEmpty else { return }
    let size = 256
    let (blocks, block) = builder.dimension("t", IntegerExpression(columns.dividedRoundingUp(by: size)))
    builder.phase("combine", [blocks]) {
      let first = builder.define("c0", block * .constant(size))
      let count = builder.define("columns", .blockSize(columns, block: first, size: size))
      let totals = places.indices.map { builder.tile(Name("total\($0)"), element, [size]) }
      for total in totals {
        builder.map([("c", count)]) { body, index in body.store(body.constant(0, element), Access(total, index[0])) }
      }
      let tasks = IntegerExpression(rows.dividedRoundingUp(by: rowsOfTask))
      builder.nest(
        (outer.map { IntegerExpression($0) } + [tasks]).enumerated().map { (name: Name("o\($0.offset)"), end: $0.element) }
      ) {
        task in
        for (sum, total) in totals.enumerated() {
          builder.map([("c", count)]) { body, index in
            let part = body.load(Access(places[sum], (task + [first + index[0]]).map { Access.Index($0) }), element)
            body.accumulate(.add, part, Access(total, index[0]))
          }
        }
      }
      for (output, total) in zip(outputs, totals) {
        builder.map([("c", count)]) { body, index in
          body.store(body.load(Access(total, index[0]), element), output.access([first + index[0]]))
        }
      }
    }
  }
}

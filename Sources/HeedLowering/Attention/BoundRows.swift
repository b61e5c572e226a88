import HeedIR

/// Keys or values bound to the kernel being built, `[batch..., rows, columns]`: an array, or pages that a table names.
struct BoundRows {
  let element: ElementType
  /// The dimensions on whose index an element depends.
  let kept: [Int]
  /// Whether neighbours in a row are neighbours in memory.
  let hasUnitColumns: Bool
  fileprivate let form: Form

  fileprivate enum Form {
    case array(BoundView)
    case pages(Pages)
  }

  fileprivate struct Pages {
    let pages: BoundView
    let pageRank: Int
    let table: BoundView
    let tableRank: Int
    let rows: PagedRows
    /// Nil where all rows are those of one page.
    let rowsOfPage: Extent?
  }

  var isPaged: Bool { if case .pages = form { true } else { false } }

  init(_ source: RowSource, _ builder: KernelBuilder) {
    switch source {
    case .array(let view): self.init(view, builder)
    case .pages(let rows, let pages, let table): self.init(rows, pages: pages, table: table, builder)
    }
  }

  private init(_ view: StridedView, _ builder: KernelBuilder) {
    // Panels go beyond the last row, and pairs beyond an odd width.
    let bound = builder.input(view, guarding: [view.shape.count - 2, view.shape.count - 1])
    (element, kept, form) = (bound.element, bound.kept, .array(bound))
    hasUnitColumns = view.strides.last == 1
  }

  private init(_ rows: PagedRows, pages: StridedView, table: StridedView, _ builder: KernelBuilder) {
    (element, kept) = (pages.element, rows.axes.indices.filter { !rows.axes[$0].isEmpty && !rows.isRepeated($0) })
    guard case .page(let column) = rows.axes.last!.last!, case .page(let row) = rows.axes[rows.axes.count - 2].last! else {
      preconditionFailure("rows that are no pages'")
    }
    hasUnitColumns = pages.strides[column] == 1
    let bound = builder.input(pages, guarding: [row, column])
    form = .pages(
      Pages(
        pages: bound, pageRank: pages.shape.count, table: builder.input(table), tableRank: table.shape.count, rows: rows,
        rowsOfPage: rows.axes[rows.axes.count - 2].count == 2 ? pages.shape[row] : nil))
  }

  /// An element of an array at a row of `batch`; the dimensions in `guarded` may be outside.
  func access(_ indices: [IntegerExpression], guarded: Set<Int> = []) -> Access {
    guard case .array(let view) = form else { preconditionFailure("pages are read run by run") }
    return view.access(indices, guarded: guarded)
  }
}

extension PagedRows {
  /// Whether a dimension repeats the same elements.
  fileprivate func isRepeated(_ dimension: Int) -> Bool { if case .again = axes[dimension].first { true } else { false } }
}

/// Rows that follow each other in memory at one stride: all of an array, or a page.
struct RowRun {
  /// The element at a row and a column, which may be outside where it is guarded.
  typealias Elements = (_ row: IntegerExpression, _ column: IntegerExpression, _ isColumnGuarded: Bool) -> Access

  /// The run's first row, counted from the first that were asked for.
  let first: IntegerExpression
  let count: IntegerExpression
  private let at: Elements
  /// The same in the run after it, where that lies elsewhere.
  private let inNext: Elements?

  fileprivate init(first: IntegerExpression, count: IntegerExpression, inNext: Elements? = nil, at: @escaping Elements) {
    (self.first, self.count, self.at, self.inNext) = (first, count, at, inNext)
  }

  /// The element at a row and a column of the run after this one, to be read ahead; nil where that lies behind this one.
  func accessAhead(_ row: IntegerExpression, _ column: IntegerExpression) -> Access? { inNext?(row, column, false) }

  /// The element at a row of the run and a column, which may be outside where it is guarded.
  func access(_ row: IntegerExpression, _ column: IntegerExpression, isColumnGuarded: Bool = false) -> Access {
    at(row, column, isColumnGuarded)
  }
}

extension KernelBuilder {
  /// The rows of the largest pages of which the next one is read ahead: two of them stay in the second-level cache. In larger ones the
  /// rows that follow are read ahead, as in an array.
  private static let rowsAhead = 128

  /// What `body` makes of each run of the rows `start ..< start + count` at the batch indices, in order.
  /// - Parameters:
  ///   - alignment: what `start` is a multiple of; `start + count` is as well, or the end of all rows.
  ///   - isReadAhead: whether a run may tell where the next one lies.
  func forEachRun(
    of rows: BoundRows, _ batch: [IntegerExpression], from start: IntegerExpression, count: IntegerExpression, alignment: Int,
    isReadAhead: Bool = false, _ body: (RowRun) throws -> Void
  ) rethrows {
    let columns = batch.count + 1
    guard case .pages(let form) = rows.form else {
      return try body(
        RowRun(first: 0, count: count) { row, column, isGuarded in
          rows.access(batch + [start + row, column], guarded: isGuarded ? [columns] : [])
        })
    }
    guard let rowsOfPage = form.rowsOfPage else {
      let page = define("page", form.entry(batch, 0))
      return try body(RowRun(first: 0, count: count, at: form.elements(batch, page, from: start)))
    }
    // Pages without rows have no elements to divide.
    let size = IntegerExpression.apply(.maximum, IntegerExpression(rowsOfPage), 1)
    if let constant = rowsOfPage.constant, alignment % max(constant, 1) == 0 {
      // Whole pages.
      let end = (start + count) / size
      try loop("n", from: start / size, to: end) { number in
        let page = define("page", form.entry(batch, number))
        let first = define("page_first", number * size - start)
        let next =
          isReadAhead && constant <= Self.rowsAhead ? define("next_page", form.entry(batch, .smaller(number + 1, end - 1))) : nil
        try body(
          RowRun(
            first: first, count: size, inNext: next.map { form.elements(batch, $0, from: 0) },
            at: form.elements(batch, page, from: 0)))
      }
      return
    }
    try loop("n", from: start / size, to: (start + count + size - 1) / size) { number in
      let page = define("page", form.entry(batch, number))
      let first = define("page_first", .apply(.maximum, number * size - start, 0))
      let end = define("page_end", .smaller((number + 1) * size - start, count))
      let offset = define("page_row", .apply(.maximum, start - number * size, 0))
      let rows = define("page_rows", end - first)
      try body(RowRun(first: first, count: rows, at: form.elements(batch, page, from: offset)))
    }
  }
}

extension BoundRows.Pages {
  /// The entry of the table at the batch indices and a number of a page.
  fileprivate func entry(_ batch: [IntegerExpression], _ number: IntegerExpression) -> IntegerExpression {
    var indices = [IntegerExpression](repeating: 0, count: tableRank)
    for (axes, index) in zip(rows.axes, batch + [number]) {
      if case .table(let axis) = axes.first { indices[axis] = index }
    }
    return .load(table.access(indices))
  }

  /// The elements of a page from a row on.
  fileprivate func elements(_ batch: [IntegerExpression], _ page: IntegerExpression, from first: IntegerExpression)
    -> RowRun.Elements
  {
    { row, column, isGuarded in
      var indices = [IntegerExpression](repeating: 0, count: pageRank)
      indices[rows.dimension] = page
      var guarded: Set<Int> = []
      for (position, (axes, index)) in zip(rows.axes, batch + [first + row, column]).enumerated() {
        guard case .page(let axis) = axes.last else { continue }
        indices[axis] = index
        if isGuarded, position == batch.count + 1 { guarded = [axis] }
      }
      return pages.access(indices, guarded: guarded)
    }
  }
}

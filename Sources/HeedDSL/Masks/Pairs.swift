public import HeedIR

/// The pairs of a query and a key that scores stand for, as index tensors that broadcast against the scores: what masks and changes of
/// scores are computed from.
///
/// Scores are `[batch, heads..., queries, keys]`. Several dimensions of heads count as one, row by row; scores of rank 3 have no batch,
/// those of rank 2 no heads either.
public struct Pairs {
  /// The scores' shape.
  public let shape: Shape
  /// The row of the batch: `[batch, 1, 1, 1]`.
  public let batch: Tensor
  /// The head of the query: `[heads..., 1, 1]`.
  public let head: Tensor
  /// The position of the query: `[queries, 1]`.
  public private(set) var query: Tensor
  /// The position of the key: `[1, keys]`.
  public private(set) var key: Tensor
  /// Whether queries are counted as keys are, so that a mask asks for no alignment.
  var isAligned = false

  /// The pairs of the scores `[batch, heads..., queries, keys]`.
  public init(_ scores: Tensor) {
    let g = scores.builder
    var shape = scores.shape
    if shape.rank < 2 {
      g.fail("got the scores \(scores.summary), expected rank 2 or more: [batch, heads, queries, keys]", nil)
      shape = [1, 1]
    }
    let zero = g.constant([Literal(0)], TensorType(.i32, .scalar), nil)
    let heads = shape.extents.dropLast(2).dropFirst(shape.rank > 3 ? 1 : 0)
    self.shape = shape
    batch = shape.rank > 3 ? Self.index(shape[0], before: 0, after: shape.rank - 1, g) : zero
    head = heads.isEmpty ? zero : g.iota([heads.reduce(1, *)]).reshaped(Shape(heads + [1, 1]), nil)
    query = Self.index(shape[shape.rank - 2], before: 0, after: 1, g)
    key = Self.index(shape[shape.rank - 1], before: 1, after: 0, g)
  }

  private static func index(_ extent: Extent, before: Int, after: Int, _ g: GraphBuilder) -> Tensor {
    let shape = Array(repeating: 1, count: before) + [extent] + Array(repeating: 1, count: after)
    return g.iota(TensorType(.i32, Shape(shape)), before, nil)
  }

  var builder: GraphBuilder { query.builder }
  /// The number of queries.
  public var queryCount: Extent { shape[shape.rank - 2] }
  /// The number of keys.
  public var keyCount: Extent { shape[shape.rank - 1] }
  /// The dimensions of heads.
  private var heads: Shape { Shape(shape.extents.dropLast(2).dropFirst(shape.rank > 3 ? 1 : 0)) }
  private var headRank: Int { heads.rank }

  /// The same pairs at other positions, computed from these: `pair.at(query: pair.query % 64, key: pair.key % 64)`.
  public func at(query: Tensor, key: Tensor) -> Pairs {
    var pairs = self
    (pairs.query, pairs.key) = (query, key)
    return pairs
  }

  // MARK: Tables

  /// One number per row of the batch, `[batch]`, so that it broadcasts against the scores.
  public func perBatch(_ table: Tensor) -> Tensor {
    table.reshaped(Shape([table.shape.count] + Array(repeating: 1, count: headRank + 2)), nil)
  }

  /// One number, or one matrix over queries and keys, per head: `[heads]` or `[heads, queries, keys]`.
  public func perHead(_ table: Tensor) -> Tensor {
    let rest = table.rank == 1 ? [1, 1] : Array(table.shape.extents.dropFirst())
    return table.reshaped(Shape(heads.extents + rest), nil)
  }

  /// The element of a table at an index that is computed from the pair's: `pair.element(of: isGlobal, at: pair.key)`.
  ///
  /// The table is `[length]`, `[batch, length]` or `[batch, heads, length]`; the latter two take an index that depends on the query alone
  /// or on the key alone. Outside the table the element is 0; of floats, NaN.
  public func element(of table: Tensor, at index: Tensor) -> Tensor {
    guard table.rank > 1 else { return table.gather(index) }
    guard table.rank <= 3, index.rank == 2 else {
      return builder.fail(
        "got the table \(table.summary) at indices \(index.summary), expected [length], [batch, length] or [batch, heads, length] at "
          + "[queries, 1] or [1, keys]", nil, guess: TensorType(table.element, index.shape))
    }
    let leading = table.rank == 2 ? [table.shape[0]] + Array(repeating: 1, count: headRank) : [table.shape[0]] + heads.extents
    return table.gather(index, dimension: -1).reshaped(Shape(leading + index.shape.extents), nil)
  }

  /// The element of a table at a row and a column that are computed from the query's and the key's index:
  /// `pair.element(of: blocks, at: pair.query / 64, pair.key / 64)`.
  ///
  /// The table is `[rows, columns]`, `[batch, rows, columns]` or `[batch, heads, rows, columns]`. Outside the table the element is
  /// 0; of floats, NaN.
  public func element(of table: Tensor, at row: Tensor, _ column: Tensor) -> Tensor {
    guard (2...4).contains(table.rank), row.rank == 2, column.rank == 2, row.shape[1] == 1, column.shape[0] == 1 else {
      return builder.fail(
        "got the table \(table.summary) at rows \(row.summary) and columns \(column.summary), expected [rows, columns], "
          + "[batch, rows, columns] or [batch, heads, rows, columns] at [queries, 1] and [1, keys]", nil,
        guess: TensorType(table.element, [1, 1]))
    }
    let (rows, columns) = (row.droppingDimensions([1], nil), column.droppingDimensions([0], nil))
    let picked = table.gather(rows, dimension: -2).gather(columns, dimension: -1)
    let leading: [Extent] =
      switch table.rank {
      case 2: []
      case 3: [table.shape[0]] + Array(repeating: 1, count: headRank)
      default: [table.shape[0]] + heads.extents
      }
    return picked.reshaped(Shape(leading + picked.shape.extents.suffix(2)), nil)
  }
}

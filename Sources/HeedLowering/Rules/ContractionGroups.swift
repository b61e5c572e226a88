import HeedIR

/// A tensor whose dimensions have letters.
struct LetteredView {
  var view: StridedView
  var letters: [Character]

  func positions(_ group: [Character]) -> [Int] { group.map { letters.firstIndex(of: $0)! } }

  /// Each group of letters, which must merge, as one dimension; an empty one has extent 1.
  func arranged(_ groups: [[Character]]) -> StridedView { view.collapsedKeepingAll(groups.map(positions), view.shape) }

  /// The stride along a letter.
  func stride(_ letter: Character) -> Extent { view.strides[positions([letter])[0]] }
}

/// The letters of a contraction's subscripts in groups, each one dimension of its kernel.
struct ContractionGroups {
  let batch: [[Character]]
  /// The rows but for the innermost group, and that.
  let rows: [[Character]]
  let row: [Character]
  /// The columns but for the innermost group, and that.
  let columns: [[Character]]
  let column: [Character]
  let over: [[Character]]
  private let extents: [Character: Extent]

  /// - Parameters:
  ///   - rows: all groups of rows, the innermost one last.
  ///   - columns: all groups of columns, the innermost one last.
  init(
    batch: [[Character]], rows: [[Character]], columns: [[Character]], over: [[Character]], extents: [Character: Extent]
  ) {
    (self.batch, self.over, self.extents) = (batch, over, extents)
    (self.rows, row) = (rows.dropLast(), rows.last ?? [])
    (self.columns, column) = (columns.dropLast(), columns.last ?? [])
  }

  /// The dimensions over which each of a kernel's products stands alone, rows of the innermost group apart.
  var outer: [[Character]] { batch + rows }

  func extent(_ group: [Character]) -> Extent { extents.count(of: group) }
  func extent(of letter: Character) -> Extent { extents[letter]! }

  /// The groups with their extents, for a kernel's domain.
  func named(_ groups: [[Character]]) -> [(name: Name, extent: Extent)] { groups.map { (Name(String($0)), extent($0)) } }

  /// The indices of a group's letters from the index of the group.
  func split(_ group: [Character], _ index: IntegerExpression) -> [IntegerExpression] {
    var rest = index
    var indices: [IntegerExpression] = []
    for (position, letter) in group.enumerated().reversed() {
      indices.insert(position == 0 ? rest : rest % IntegerExpression(extent(of: letter)), at: 0)
      rest = position == 0 ? rest : rest / IntegerExpression(extent(of: letter))
    }
    return indices
  }
}

extension [Character: Extent] {
  /// The number of indices of some letters together.
  func count(of letters: some Sequence<Character>) -> Extent { letters.reduce(Extent(1)) { $0 * self[$1]! } }
}

import HeedIR

/// The matrix product of the last two dimensions, as in NumPy: `[..., M, K]` by `[..., K, N]` is `[..., M, N]`.
///
/// The dimensions before the last two broadcast. An operand of rank 1 is a row on the left, a column on the right, and its dimension is
/// not in the result.
public func matmul(_ left: Tensor, _ right: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  let (site, builder) = (CallSite(file, line), left.builder)
  let guess = left.rank >= right.rank ? left.type : right.type
  guard builder.graph.failure == nil else { return builder.poison(guess) }
  func mistake(_ expected: String) -> Tensor {
    builder.fail("matmul: got \(left.summary) and \(right.summary), expected \(expected)", site, guess: guess)
  }
  guard left.rank >= 1, right.rank >= 1 else { return mistake("tensors of rank 1 or more") }
  let (over, overRight) = (left.shape[left.rank - 1], right.shape[max(right.rank - 2, 0)])
  guard builder.areEqual(over, overRight) else { return mistake("equal inner extents, not \(over) and \(overRight)") }
  let batch = (left: left.shape.extents.dropLast(2), right: right.shape.extents.dropLast(2))
  if let (a, b) = builder.broadcastShape([Shape(batch.left), Shape(batch.right)]).mismatch {
    return mistake("leading shapes that broadcast, not extents \(a) and \(b)")
  }
  // A dimension of extent 1 that is repeated is kept in the other operand only: nothing is copied.
  let rank = max(batch.left.count, batch.right.count)
  let letters = Array("abcdefghlmnopqrstuvwxyz".prefix(rank))
  guard letters.count == rank else { return mistake("at most 25 dimensions") }
  var kept: (left: [Character], right: [Character]) = ([], [])
  var dropped: (left: [Int], right: [Int]) = ([], [])
  for (position, letter) in letters.enumerated() {
    let at = (left: position - rank + batch.left.count, right: position - rank + batch.right.count)
    let extent = (left: at.left < 0 ? nil : batch.left[at.left], right: at.right < 0 ? nil : batch.right[at.right])
    let isRepeated = (
      left: extent.left == 1 && extent.right.map { $0 != 1 } == true,
      right: extent.right == 1 && extent.left.map { $0 != 1 } == true
    )
    if isRepeated.left { dropped.left.append(at.left) } else if extent.left != nil { kept.left.append(letter) }
    if isRepeated.right { dropped.right.append(at.right) } else if extent.right != nil { kept.right.append(letter) }
  }
  let subscripts = ContractSubscripts(
    left: kept.left + (left.rank > 1 ? ["i"] : []) + ["k"], right: kept.right + (right.rank > 1 ? ["k", "j"] : ["k"]),
    result: letters + (left.rank > 1 ? ["i"] : []) + (right.rank > 1 ? ["j"] : []))
  return builder.contract(
    "matmul", left.droppingDimensions(dropped.left, site), right.droppingDimensions(dropped.right, site), subscripts, guess: guess,
    site)
}

extension GraphBuilder {
  /// Whether two factors have one type, of floats; records where they have not.
  func haveOneFloatType(_ caller: String, _ left: Tensor, _ right: Tensor, _ site: CallSite?) -> Bool {
    expect(
      left.element == right.element && left.element.isFloat,
      "\(caller): got \(left.summary) and \(right.summary), expected one float type; cast(to:) converts", site)
  }

  /// - Parameter caller: the function that the user called.
  func contract(
    _ caller: String, _ left: Tensor, _ right: Tensor, _ subscripts: ContractSubscripts, guess: TensorType, _ site: CallSite?
  ) -> Tensor {
    guard haveOneFloatType(caller, left, right, site) else { return poison(guess) }
    return emit(.contract, [left, right], [Attribute(.subscripts, subscripts)], guess: guess, site)
  }
}

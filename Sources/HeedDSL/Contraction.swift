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
    left.droppingDimensions(dropped.left, site), right.droppingDimensions(dropped.right, site), subscripts, guess: guess, site)
}

/// A sum of products in Einstein's notation: `einsum("bhid,bhjd->bhij", q, k)`.
///
/// Each letter names a dimension; those that are not in the result are summed over.
public func einsum(_ subscripts: String, _ left: Tensor, _ right: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  let (site, builder) = (CallSite(file, line), left.builder)
  guard let (operands, result) = einsumLetters(subscripts, [left, right], site) else { return builder.poison(left.type) }
  // What one operand alone has and the result has not is summed first.
  let (alone, aloneRight) = (
    operands[0].filter { !operands[1].contains($0) && !result.contains($0) },
    operands[1].filter { !operands[0].contains($0) && !result.contains($0) }
  )
  let parts = (
    left.reduced(.add, alone.map { operands[0].firstIndex(of: $0)! }, site),
    right.reduced(.add, aloneRight.map { operands[1].firstIndex(of: $0)! }, site)
  )
  let rest = ContractSubscripts(
    left: operands[0].filter { !alone.contains($0) }, right: operands[1].filter { !aloneRight.contains($0) }, result: result)
  return builder.contract(parts.0, parts.1, rest, guess: left.type, site)
}

/// The same of one tensor: sums and a permutation of dimensions: `einsum("bij->ji", x)`.
public func einsum(_ subscripts: String, _ operand: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  let site = CallSite(file, line)
  guard let (operands, result) = einsumLetters(subscripts, [operand], site) else { return operand.builder.poison(operand.type) }
  let kept = operands[0].filter(result.contains)
  let sum = operand.reduced(.add, operands[0].indices.filter { !result.contains(operands[0][$0]) }, site)
  return sum.permuted(result.map { kept.firstIndex(of: $0)! }, site)
}

/// The letters of the operands and of the result, or nil after recording what is wrong with them.
private func einsumLetters(_ text: String, _ tensors: [Tensor], _ site: CallSite) -> (operands: [[Character]], result: [Character])?
{
  let builder = tensors[0].builder
  guard builder.graph.failure == nil else { return nil }
  func mistake(_ message: String) -> (operands: [[Character]], result: [Character])? {
    builder.fail("einsum: \(message)", site)
    return nil
  }
  let form = tensors.count == 2 ? "\"bij,bjk->bik\"" : "\"bij->ji\""
  let sides = text.filter { $0 != " " }.split(separator: "->", omittingEmptySubsequences: false)
  guard sides.count == 2 else { return mistake("got the subscripts \"\(text)\", expected a form such as \(form)") }
  let operands = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
  let result = Array(sides[1])
  guard operands.count == tensors.count, (operands + [result]).joined().allSatisfy({ $0.isASCII && $0.isLetter }) else {
    return mistake("got the subscripts \"\(text)\", expected a form such as \(form)")
  }
  for letters in operands + [result] where Set(letters).count != letters.count {
    return mistake("got the subscripts \"\(text)\" with a letter twice in \"\(String(letters))\", expected each once")
  }
  for (letters, tensor) in zip(operands, tensors) where letters.count != tensor.rank {
    return mistake("got the subscripts \"\(String(letters))\" for \(tensor.summary), expected \(tensor.rank) letters")
  }
  if let stray = result.first(where: { letter in !operands.contains { $0.contains(letter) } }) {
    return mistake("got the letter \(stray) in the result of \"\(text)\" alone, expected it in an operand")
  }
  return (operands, result)
}

extension GraphBuilder {
  func contract(_ left: Tensor, _ right: Tensor, _ subscripts: ContractSubscripts, guess: TensorType, _ site: CallSite?) -> Tensor {
    emit(.contract, [left, right], [Attribute(.subscripts, subscripts)], guess: guess, site)
  }
}

import HeedIR

/// A sum of products in Einstein's notation: `einsum("bhid,bhjd->bhij", q, k)`.
///
/// Each letter names a dimension; those that are not in the result are summed over. Products are taken from left to right, two operands
/// at a time: `einsum("ij,jk,kl->il", a, b, c)` is `(a b) c`. Of one operand it is a sum and a permutation of dimensions,
/// `einsum("bij->ji", x)`. A letter twice in an operand is a diagonal: `einsum("ii->i", x)`, and `einsum("ii->", x)` is the trace.
public func einsum(_ subscripts: String, _ operands: Tensor..., file: String = #filePath, line: Int = #line) -> Tensor {
  let site = CallSite(file, line)
  guard let first = operands.first else { return GraphBuilder.fail("einsum: got no tensors, expected at least one", site) }
  return first.builder.located(file, line) {
    guard let (letters, result) = einsumLetters(subscripts, operands) else { return first.builder.poison(first.type) }
    let factors = zip(operands, letters).map { EinsumFactor($0, $1).withDiagonals() }
    var product = factors[0]
    for (position, next) in factors.enumerated().dropFirst() {
      let isLast = position == factors.count - 1
      let needed = Set(result).union(factors[(position + 1)...].flatMap(\.letters))
      product = product.times(next, isLast ? result : nil, needed)
    }
    return product.arranged(result)
  }
}

/// An operand of a sum of products and the letters of its dimensions.
private struct EinsumFactor {
  var tensor: Tensor
  var letters: [Character]

  init(_ tensor: Tensor, _ letters: [Character]) { (self.tensor, self.letters) = (tensor, letters) }

  /// Each letter once: of dimensions with one letter the elements of equal indices.
  func withDiagonals() -> EinsumFactor {
    var factor = self
    while let (first, second) = factor.repetition, factor.tensor.builder.graph.failure == nil {
      let (x, g) = (factor.tensor, factor.tensor.builder)
      func index(_ dimension: Int) -> Tensor {
        var ones = x.shape.extents.map { _ in Extent(1) }
        ones[dimension] = x.shape[dimension]
        return g.iota(TensorType(.i32, Shape(ones)), dimension, nil)
      }
      factor.tensor = select(index(first) == index(second), x, 0).reduced(.add, [second], nil)
      factor.letters.remove(at: second)
    }
    return factor
  }

  /// Two dimensions of one letter.
  private var repetition: (Int, Int)? {
    for (second, letter) in letters.enumerated() {
      if let first = letters[..<second].firstIndex(of: letter) { return (first, second) }
    }
    return nil
  }

  /// Without the dimensions whose letters are neither needed nor among `others`: those are summed over.
  private func summing(except needed: Set<Character>, _ others: [Character]) -> EinsumFactor {
    let alone = letters.indices.filter { !needed.contains(letters[$0]) && !others.contains(letters[$0]) }
    return EinsumFactor(tensor.reduced(.add, alone, nil), letters.indices.filter { !alone.contains($0) }.map { letters[$0] })
  }

  /// The product with another factor, summed over what is not needed; with the letters of `result`, where that is the end.
  func times(_ other: EinsumFactor, _ result: [Character]?, _ needed: Set<Character>) -> EinsumFactor {
    let (left, right) = (summing(except: needed, other.letters), other.summing(except: needed, letters))
    let kept = (left.letters + right.letters.filter { !left.letters.contains($0) }).filter(needed.contains)
    let subscripts = ContractSubscripts(left: left.letters, right: right.letters, result: result ?? kept)
    let product = tensor.builder.contract("einsum", left.tensor, right.tensor, subscripts, guess: tensor.type, nil)
    return EinsumFactor(product, result ?? kept)
  }

  /// The tensor summed over what is not in the result, with the result's order of dimensions.
  func arranged(_ result: [Character]) -> Tensor {
    let sum = summing(except: Set(result), [])
    guard tensor.builder.graph.failure == nil else { return sum.tensor }
    return sum.tensor.permuted(result.map { letter in sum.letters.firstIndex(of: letter) ?? 0 }, nil)
  }
}

/// The letters of the operands and of the result, or nil after recording what is wrong with them.
private func einsumLetters(_ text: String, _ tensors: [Tensor]) -> (operands: [[Character]], result: [Character])? {
  let builder = tensors[0].builder
  guard builder.graph.failure == nil else { return nil }
  func mistake(_ message: String) -> (operands: [[Character]], result: [Character])? {
    builder.fail("einsum: \(message)", nil)
    return nil
  }
  let form = ["\"bij->ji\"", "\"bij,bjk->bik\"", "\"ij,jk,kl->il\""][Swift.min(tensors.count, 3) - 1]
  let sides = text.filter { $0 != " " }.split(separator: "->", omittingEmptySubsequences: false)
  guard sides.count == 2 else { return mistake("got the subscripts \"\(text)\", expected a form such as \(form)") }
  let operands = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
  let result = Array(sides[1])
  guard operands.count == tensors.count, (operands + [result]).joined().allSatisfy({ $0.isASCII && $0.isLetter }) else {
    return mistake("got the subscripts \"\(text)\" for \(tensors.count) operands, expected a form such as \(form)")
  }
  guard Set(result).count == result.count else {
    return mistake("got the subscripts \"\(text)\" with a letter twice in the result \"\(String(result))\", expected each once")
  }
  for (letters, tensor) in zip(operands, tensors) where letters.count != tensor.rank {
    return mistake("got the subscripts \"\(String(letters))\" for \(tensor.summary), expected \(tensor.rank) letters")
  }
  if let stray = result.first(where: { letter in !operands.contains { $0.contains(letter) } }) {
    return mistake("got the letter \(stray) in the result of \"\(text)\" alone, expected it in an operand")
  }
  var extents: [Character: Extent] = [:]
  for (letter, extent) in zip(operands.joined(), tensors.flatMap(\.shape.extents)) {
    guard builder.areEqual(extents[letter] ?? extent, extent) else {
      return mistake(
        "got the extents \(extents[letter] ?? 0) and \(extent) for the letter \(letter) of \"\(text)\", expected equal ones")
    }
    extents[letter] = extents[letter] ?? extent
  }
  return (operands, result)
}

extension Op {
  /// `contract {subscripts = "bhid,bhjd->bhij"}`: a sum of products, written as in Einstein's convention.
  ///
  /// Each letter names a dimension. A letter in both operands and the result is a batch dimension; one in both operands but not
  /// the result is summed over; one in a single operand stands in the result. Sums are in double precision in the reference and in
  /// f32 (f64 for f64 operands) in kernels, in an order fixed by shapes and tiles.
  public static let contract = Op(
    "contract", operands: .named(["left", "right"]), attributes: [.required("subscripts", .word)],
    infer: { inference in
      let subscripts = try ContractSubscripts(inference.attributes.word("subscripts").text)
      let element = try inference.commonElement(inference.operands)
      try inference.expect(element.isFloat, "got operands of type \(element), expected a float type")
      var extents: [Character: Extent] = [:]
      for (letters, type) in zip([subscripts.left, subscripts.right], inference.operands) {
        try inference.expect(
          letters.count == type.rank, "got the subscripts \"\(String(letters))\" for \(type), expected \(type.rank)")
        for (letter, extent) in zip(letters, type.shape.extents) {
          if let known = extents[letter] {
            try inference.expect(
              inference.areEqual(known, extent),
              "got the extents \(known) and \(extent) for the subscript \(letter) of \(inference.describe(inference.operands)), expected equal ones"
            )
          } else {
            extents[letter] = extent
          }
        }
      }
      return [TensorType(element, Shape(subscripts.result.map { extents[$0]! }))]
    },
    evaluate: { evaluation in
      let subscripts = try ContractSubscripts(evaluation.attributes.word("subscripts").text)
      let (left, right) = (evaluation.operands[0], evaluation.operands[1])
      var extents: [Character: Int] = [:]
      for (letter, extent) in zip(subscripts.left + subscripts.right, left.shape + right.shape) { extents[letter] = extent }
      func strides(_ array: ReferenceArray, _ letters: [Character], along order: [Character]) -> [Int] {
        order.map { letter in letters.firstIndex(of: letter).map { array.strides[$0] } ?? 0 }
      }
      var result = ReferenceArray(evaluation.resultTypes[0].element, evaluation.resultShapes[0])
      let over = subscripts.over
      let overShape = over.map { extents[$0]! }
      let outer = (
        strides(left, subscripts.left, along: subscripts.result), strides(right, subscripts.right, along: subscripts.result)
      )
      let inner = (strides(left, subscripts.left, along: over), strides(right, subscripts.right, along: over))
      var steps: [(Int, Int)] = []
      ReferenceArray.forEachIndex(of: overShape) { indices, _ in
        steps.append((zip(indices, inner.0).reduce(0) { $0 + $1.0 * $1.1 }, zip(indices, inner.1).reduce(0) { $0 + $1.0 * $1.1 }))
      }
      ReferenceArray.forEachIndex(of: result.shape) { indices, position in
        let atLeft = zip(indices, outer.0).reduce(0) { $0 + $1.0 * $1.1 }
        let atRight = zip(indices, outer.1).reduce(0) { $0 + $1.0 * $1.1 }
        var sum = 0.0
        for (a, b) in steps { sum += left.reals[atLeft + a] * right.reals[atRight + b] }
        result.reals[position] = sum
      }
      return [result]
    },
    cost: { query in
      guard let subscripts = try? ContractSubscripts(query.attributes.word("subscripts").text) else { preconditionFailure() }
      let over = zip(subscripts.left, query.operands[0].shape.extents).filter { subscripts.over.contains($0.0) }.map(\.1)
      return Cost(flops: query.results[0].shape.count * over.reduce(Extent(2), *), bytes: query.bytes)
    })
}

/// The subscripts of a `contract`: a letter for each dimension of the operands and the result.
public struct ContractSubscripts: Hashable, Sendable {
  public var left: [Character]
  public var right: [Character]
  public var result: [Character]

  public init(left: [Character], right: [Character], result: [Character]) {
    (self.left, self.right, self.result) = (left, right, result)
  }

  /// Reads `"bhid,bhjd->bhij"`.
  /// - Throws: where the text has another form, or a letter stands in the wrong places.
  public init(_ text: String) throws {
    if let known = Self.known.withLock({ $0[text] }) {
      self = known
      return
    }
    try self.init(parsing: text)
    let parsed = self
    Self.known.withLock { $0[text] = parsed }
  }

  /// Texts read before: passes ask for the same few again and again.
  private static let known = Lock<[String: ContractSubscripts]>([:])

  private init(parsing text: String) throws {
    let sides = text.split(separator: "->", omittingEmptySubsequences: false)
    let operands = sides[0].split(separator: ",", omittingEmptySubsequences: false)
    guard sides.count == 2, operands.count == 2, (operands + [sides[1]]).allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isLetter } })
    else {
      throw HeedError("got the subscripts \"\(text)\", expected a form such as \"bij,bjk->bik\"")
    }
    (left, right, result) = (Array(operands[0]), Array(operands[1]), Array(sides[1]))
    for letters in [left, right, result] where Set(letters).count != letters.count {
      throw HeedError("got the subscripts \"\(text)\" with a letter twice in \"\(String(letters))\", expected each once")
    }
    for letter in result where !left.contains(letter) && !right.contains(letter) {
      throw HeedError("got the subscript \(letter) in the result of \"\(text)\" alone, expected it in an operand")
    }
    for letter in Set(left).symmetricDifference(right).sorted() where !result.contains(letter) {
      throw HeedError(
        "got the subscript \(letter) in one operand of \"\(text)\" alone, expected it in the other or the result; use reduce to sum"
      )
    }
  }

  /// The dimensions that both operands and the result have.
  public var batch: [Character] { left.filter { right.contains($0) && result.contains($0) } }
  /// The dimensions summed over, in the left operand's order.
  public var over: [Character] { left.filter { right.contains($0) && !result.contains($0) } }
  /// The dimensions of the left operand alone.
  public var leftFree: [Character] { left.filter { !right.contains($0) } }
  /// The dimensions of the right operand alone.
  public var rightFree: [Character] { right.filter { !left.contains($0) } }

  public var text: String { "\(String(left)),\(String(right))->\(String(result))" }
}

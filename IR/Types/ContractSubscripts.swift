/// The subscripts of a `contract`: a letter for each dimension of the operands and the result. Interned, and always well formed.
public struct ContractSubscripts: Hashable, Sendable {
  private struct Letters: Hashable, Sendable {
    let left: [Character]
    let right: [Character]
    let result: [Character]
  }

  private static let interner = Interner<Letters>()
  private let identifier: UInt32

  /// The subscripts of these letters. Traps where they are not well formed.
  public init(left: [Character], right: [Character], result: [Character]) {
    let letters = Letters(left: left, right: right, result: result)
    identifier = Self.interner.identifier(of: letters)
    if let mistake { preconditionFailure(mistake) }
  }

  /// Reads `"bhid,bhjd->bhij"`.
  /// - Throws: where the text has another form, or a letter stands in the wrong places.
  public init(_ text: String) throws {
    let sides = text.split(separator: "->", omittingEmptySubsequences: false)
    let operands = sides[0].split(separator: ",", omittingEmptySubsequences: false)
    guard sides.count == 2, operands.count == 2, (operands + [sides[1]]).allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isLetter } })
    else {
      throw HeedError("got the subscripts \"\(text)\", expected a form such as \"bij,bjk->bik\"")
    }
    let letters = Letters(left: Array(operands[0]), right: Array(operands[1]), result: Array(sides[1]))
    identifier = Self.interner.identifier(of: letters)
    if let mistake { throw HeedError(mistake) }
  }

  /// What is wrong with the letters' places, if anything is.
  private var mistake: String? {
    let (left, right, result) = (left, right, result)
    for letters in [left, right, result] where Set(letters).count != letters.count {
      return "got the subscripts \"\(text)\" with a letter twice in \"\(String(letters))\", expected each once"
    }
    for letter in result where !left.contains(letter) && !right.contains(letter) {
      return "got the subscript \(letter) in the result of \"\(text)\" alone, expected it in an operand"
    }
    for letter in Set(left).symmetricDifference(right).sorted() where !result.contains(letter) {
      return
        "got the subscript \(letter) in one operand of \"\(text)\" alone, expected it in the other or the result; use reduce to sum"
    }
    return nil
  }

  /// The dimensions of the left operand.
  public var left: [Character] { Self.interner[identifier].left }
  /// The dimensions of the right operand.
  public var right: [Character] { Self.interner[identifier].right }
  /// The dimensions of the result.
  public var result: [Character] { Self.interner[identifier].result }

  /// The dimensions that both operands and the result have.
  public var batch: [Character] { left.filter { right.contains($0) && result.contains($0) } }
  /// The dimensions summed over, in the left operand's order.
  public var over: [Character] { left.filter { right.contains($0) && !result.contains($0) } }
  /// The dimensions of the left operand alone.
  public var leftFree: [Character] { left.filter { !right.contains($0) } }
  /// The dimensions of the right operand alone.
  public var rightFree: [Character] { right.filter { !left.contains($0) } }

  /// The same product with its operands in the other order.
  public var swapped: ContractSubscripts { ContractSubscripts(left: right, right: left, result: result) }
}

extension ContractSubscripts: CustomStringConvertible {
  /// `bhid,bhjd->bhij`
  public var text: String { "\(String(left)),\(String(right))->\(String(result))" }

  /// The text.
  public var description: String { text }
}

/// Finds the values of a graph's symbols from the shapes of a call's arguments.
public enum SymbolBinding {
  /// An argument of a call: its name, the shape it is declared with, and the shape it has.
  public typealias Argument = (name: Name, shape: Shape, actual: [Int])

  /// The value of every symbol of the arguments' shapes and the facts.
  ///
  /// A symbol is found from an extent that is linear in it, such as `S`, `B + 1` or `2*S + P` where P is known. It is also found
  /// from a fact that two extents are equal. Then every extent and every fact is checked.
  /// - Throws: where a rank or an extent is not what is declared, a symbol stays without a value, or a fact does not hold. The
  ///   error names the argument and the dimension, what was got and what was expected.
  public static func solve(_ arguments: [Argument], facts: [Fact] = []) throws -> [Name: Int] {
    for (name, shape, actual) in arguments where shape.rank != actual.count {
      throw HeedError("%\(name): got the shape \(actual) of rank \(actual.count), expected \(shape) of rank \(shape.rank)")
    }
    var binding: [Name: Int] = [:]
    var isChanged = true
    while isChanged {
      isChanged = false
      for (name, shape, actual) in arguments {
        for (dimension, (extent, value)) in zip(shape.extents, actual).enumerated() {
          guard let form = LinearForm(extent.terms.map { ($0, 1) }, binding) else { continue }
          guard let solution = form.solution(for: value) else {
            throw HeedError("%\(name): got extent \(value) in dimension \(dimension), expected \(describe(extent, binding))")
          }
          binding[form.symbol] = solution
          isChanged = true
        }
      }
      for case .equal(let left, let right) in facts {
        guard let form = LinearForm(left.terms.map { ($0, 1) } + right.terms.map { ($0, -1) }, binding) else { continue }
        guard let solution = form.solution(for: 0) else {
          throw HeedError("the fact \(left) == \(right) holds for no value of \(form.symbol)")
        }
        binding[form.symbol] = solution
        isChanged = true
      }
    }
    try define(&binding, by: facts)
    for (name, shape, actual) in arguments {
      for (dimension, (extent, value)) in zip(shape.extents, actual).enumerated() {
        if let unknown = extent.symbols.first(where: { binding[$0] == nil }) {
          throw HeedError(
            "%\(name): the extent \(extent) of dimension \(dimension) does not give the value of \(unknown), nor does another")
        }
        guard try extent.evaluate({ binding[$0] }) == value else {
          throw HeedError("%\(name): got extent \(value) in dimension \(dimension), expected \(describe(extent, binding))")
        }
      }
    }
    for fact in facts { try fact.check(binding) }
    return binding
  }

  /// Adds the values of the symbols that facts define.
  /// - Throws: where what they are defined by has no value.
  package static func define(_ binding: inout [Name: Int], by facts: [Fact]) throws {
    for case .squareRoot(let root, let extent) in facts {
      binding[root] = try extent.evaluate { binding[$0] }.squareRootRoundedUp
    }
  }

  /// `S`, or `S = 5` where the value is known.
  private static func describe(_ extent: Extent, _ binding: [Name: Int]) -> String {
    guard extent.constant == nil, let value = try? extent.evaluate({ binding[$0] }) else { return "\(extent)" }
    return "\(extent) = \(value)"
  }
}

extension Fact {
  /// - Throws: where the fact does not hold under `binding`, or an extent of it has no value.
  public func check(_ binding: [Name: Int]) throws {
    switch self {
    case .divisible(let extent, let divisor):
      let value = try extent.evaluate { binding[$0] }
      guard divisor != 0, value.isMultiple(of: divisor) else {
        throw HeedError("got \(extent) = \(value), expected a multiple of \(divisor) as stated by \(self)")
      }
    case .equal(let left, let right):
      let values = (try left.evaluate { binding[$0] }, try right.evaluate { binding[$0] })
      guard values.0 == values.1 else {
        throw HeedError("got \(left) = \(values.0) and \(right) = \(values.1), expected equal extents as stated by \(self)")
      }
    case .squareRoot(let root, let extent):
      let (value, number) = (try Extent(symbol: root).evaluate { binding[$0] }, try extent.evaluate { binding[$0] })
      guard value == number.squareRootRoundedUp else {
        throw HeedError("got \(root) = \(value), expected \(number.squareRootRoundedUp) as stated by \(self)")
      }
    }
  }
}

/// A sum of terms in which one symbol has no value yet and is of the first power: `coefficient * symbol + constant`.
///
/// Extents are not built with the values in them, since extents stay interned for the life of the process.
private struct LinearForm {
  var symbol: Name
  var coefficient: Int
  var constant: Int

  /// Nil where no symbol or more than one lacks a value, or the sum is not linear in it, or it leaves 64 bits.
  init?(_ terms: [(term: Extent.Term, sign: Int)], _ binding: [Name: Int]) {
    var unknown: Name?
    (coefficient, constant) = (0, 0)
    for (term, sign) in terms {
      var product = sign * term.coefficient
      var isKnown = true
      for factor in term.factors {
        var value: Int
        switch factor {
        case .symbol(let name):
          if let bound = binding[name] {
            value = bound
          } else {
            guard isKnown, unknown == nil || unknown == name else { return nil }
            (unknown, isKnown, value) = (name, false, 1)
          }
        case .floorDivision(let inner, let divisor):
          guard let known = try? inner.evaluate({ binding[$0] }) else { return nil }
          value = Extent.floorDivide(known, divisor)
        case .ceilingDivision(let inner, let divisor):
          guard let known = try? inner.evaluate({ binding[$0] }) else { return nil }
          value = Extent.ceilingDivide(known, divisor)
        }
        let (next, overflow) = product.multipliedReportingOverflow(by: value)
        guard !overflow else { return nil }
        product = next
      }
      let (sum, overflow) = (isKnown ? constant : coefficient).addingReportingOverflow(product)
      guard !overflow else { return nil }
      if isKnown { constant = sum } else { coefficient = sum }
    }
    guard let unknown, coefficient != 0 else { return nil }
    symbol = unknown
  }

  /// The whole number of at least 0 for which the form is `value`, or nil.
  func solution(for value: Int) -> Int? {
    let (rest, overflow) = value.subtractingReportingOverflow(constant)
    guard !overflow, rest.isMultiple(of: coefficient), !(rest == .min && coefficient == -1), rest / coefficient >= 0 else {
      return nil
    }
    return rest / coefficient
  }
}

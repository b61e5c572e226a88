import Heed

/// Makes an input smaller as long as something holds of it: without some of its coarse parts, then without some of its fine ones.
struct Shrinker {
  let fuzzer: any Fuzzer
  let holds: ([UInt8]) throws -> Bool

  /// A smaller input; the input itself where it does not hold of that.
  /// - Parameter attempts: how many inputs are tried at most.
  func shrunk(_ input: [UInt8], attempts: Int) throws -> [UInt8] {
    guard try holds(input) else { return input }
    var (input, left) = (input, attempts)
    for level in 0... {
      guard let parts = fuzzer.parts(input, level) else { break }
      input = try without(parts, &left)
    }
    // The first smaller input of which it holds, again and again.
    while let smaller = try fuzzer.smaller(input).first(where: { candidate in
      left -= 1
      return try left >= 0 && holds(candidate)
    }) { input = smaller }
    return input
  }

  /// The parts that must stay: halves are left out first, then ever shorter runs of parts.
  private func without(_ parts: [ArraySlice<UInt8>], _ left: inout Int) throws -> [UInt8] {
    var parts = parts
    var size = max(1, parts.count / 2)
    while left > 0 {
      var (start, isSmaller) = (0, false)
      while start < parts.count, left > 0 {
        let rest = Array(parts[..<start] + parts[min(parts.count, start + size)...])
        left -= 1
        if try holds(Array(rest.joined())) { (parts, isSmaller) = (rest, true) } else { start += size }
      }
      if size == 1, !isSmaller { break }
      size = max(1, size / 2)
    }
    return Array(parts.joined())
  }
}

extension [UInt8] {
  /// The pieces that end with a byte, and the rest.
  func parts(endingWith separator: UInt8) -> [ArraySlice<UInt8>] {
    var parts: [ArraySlice<UInt8>] = []
    var start = 0
    for position in indices where self[position] == separator {
      parts.append(self[start...position])
      start = position + 1
    }
    return parts + [self[start...]]
  }

  /// Pieces of so many bytes.
  func parts(ofSize size: Int) -> [ArraySlice<UInt8>] {
    stride(from: 0, to: count, by: size).map { self[$0..<Swift.min(count, $0 + size)] }
  }
}

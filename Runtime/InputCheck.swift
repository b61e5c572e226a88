package import HeedArrays
package import HeedIR

/// Checks of the numbers in an input, before anything runs: kernels trust offsets and indices.
extension Program.Check {
  /// - Parameters:
  ///   - array: returns the array of a buffer.
  ///   - binding: the values of the symbols.
  /// - Throws: where the condition does not hold.
  func verify(_ program: Program, _ binding: [Name: Int], array: (Int) -> NDArray?) throws {
    switch self {
    case .offsets(let buffer, let bound), .indices(let buffer, let bound):
      let name = program.buffers[buffer].name
      guard let array = array(buffer) else { preconditionFailure("a check of %\(name), which is not an input") }
      try verify(array, name: name, bound: bound.evaluate { binding[$0] })
    case .range: try verifyExtents(binding)
    }
  }

  /// - Parameter bound: the value of the extent in the condition.
  /// - Throws: where the condition does not hold; the error names the input, the position and the number.
  package func verify(_ array: NDArray, name: Name, bound: Int) throws {
    switch array.element {
    case .i64: try verify(array, Int64.self, name, bound)
    case .i32: try verify(array, Int32.self, name, bound)
    case .i8: try verify(array, Int8.self, name, bound)
    case .u8: try verify(array, UInt8.self, name, bound)
    case .bool: try verify(array, UInt8.self, name, bound)
    case .f64, .f32, .f16, .bf16: preconditionFailure("a check of indices in %\(name) of type \(array.element)")
    }
  }

  private func verify<Number: FixedWidthInteger & BitwiseCopyable>(
    _ array: NDArray, _: Number.Type, _ name: Name, _ bound: Int
  ) throws {
    try withExtendedLifetime(array.storage) {
      let numbers = array.bytes.bindMemory(to: Number.self)
      switch self {
      case .indices:
        if let position = numbers.firstIndex(where: { $0 < 0 || $0 >= bound }) {
          throw HeedError(
            "input '\(name)': got \(numbers[position]) at position \(position), expected a number from 0 to below \(bound)")
        }
      case .range: preconditionFailure("a range has no numbers")
      case .offsets(_, let total):
        guard let first = numbers.first, let last = numbers.last else {
          throw HeedError("input '\(name)': got no offsets, expected at least one")
        }
        guard first == 0 else { throw HeedError("input '\(name)': got \(first) as the first offset, expected 0") }
        for position in 1..<max(numbers.count, 1) where numbers[position] < numbers[position - 1] {
          throw HeedError(
            "input '\(name)': got offset \(numbers[position]) at position \(position) after \(numbers[position - 1]), "
              + "expected offsets that never fall")
        }
        guard last == bound else {
          throw HeedError("input '\(name)': got \(last) as the last offset, expected \(total) = \(bound)")
        }
      }
    }
  }
}

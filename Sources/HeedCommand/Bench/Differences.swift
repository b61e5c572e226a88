import Heed
import HeedInterpreter

/// The largest difference between numbers at the same place; infinite where only one of the two is NaN.
func largestDifference(_ got: some Sequence<Double>, _ expected: some Sequence<Double>) -> Double {
  zip(got, expected).reduce(0) { worst, pair in
    let (x, y) = pair
    if x.isNaN != y.isNaN { return .infinity }
    // Equal infinities differ by nothing.
    return x == y || x.isNaN ? worst : max(worst, abs(x - y))
  }
}

extension NDArray {
  /// Copies of rows of `size` elements: `[rows.count, size]`.
  func rows(_ rows: [Int], of size: Int) throws -> NDArray {
    let copy = try NDArray(zeros: element, [rows.count, size])
    let rowBytes = size * element.byteCount
    withExtendedLifetime(storage) {
      for (position, row) in rows.enumerated() {
        let target = UnsafeMutableRawBufferPointer(rebasing: copy.storage.bytes[position * rowBytes..<(position + 1) * rowBytes])
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[row * rowBytes..<(row + 1) * rowBytes]))
      }
    }
    return copy
  }

  /// The largest difference from `other`, an array of the same type and number of elements.
  func largestDifference(from other: NDArray) -> Double {
    HeedCommand.largestDifference(ReferenceArray(self).reals, ReferenceArray(other).reals)
  }
}

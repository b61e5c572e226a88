import Foundation
import HeedIR
import HeedInterpreter
import HeedTestSupport

/// The kernels written by hand, Tests/Filetests/kernels.
enum KernelFile {
  /// The package.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  private static let folder = root.appending(path: "Tests/Filetests/kernels")

  /// The names of the files.
  static let names: [String] = {
    let found = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return found.filter { $0.hasSuffix(".heed") }.sorted()
  }()

  static func kernels(_ file: String) throws -> [Kernel] {
    try Kernel.parse(try String(contentsOf: folder.appending(path: file), encoding: .utf8), file: file)
  }

  /// The kernel `name` of the file `name.heed`, or of another file.
  static func kernel(_ name: String, in file: String? = nil) throws -> Verified<Kernel> {
    let kernels = try kernels(file ?? "\(name).heed")
    guard let kernel = kernels.first(where: { $0.name.text == name }) else { throw HeedError("no kernel @\(name)") }
    return try Verified(kernel)
  }
}

extension ReferenceArray {
  /// Values of the element type, spread evenly over -1 ..< 1 times `scale`.
  static func random(_ shape: [Int], _ element: ElementType = .f32, scale: Double = 1, seed: UInt64) -> ReferenceArray {
    var generator = SeededGenerator(seed: seed)
    let count = shape.reduce(1, *)
    return ReferenceArray(
      element, shape, reals: (0..<count).map { _ in element.round(Double.random(in: -1..<1, using: &generator) * scale) })
  }

  /// The element at indices.
  func at(_ indices: Int...) -> Double {
    var position = 0
    var dimension = 0
    while dimension < indices.count {
      position = position * shape[dimension] + indices[dimension]
      dimension += 1
    }
    return reals[position]
  }

  /// The largest absolute difference to the values of `expected`, in the order of its shape; infinite where one is NaN and the other is not.
  func largestDifference(_ expected: [Double]) -> Double {
    guard expected.count == reals.count else { return .infinity }
    return zip(reals, expected).reduce(0) { largest, pair in
      if pair.0.isNaN && pair.1.isNaN { return largest }
      let difference = abs(pair.0 - pair.1)
      return difference.isNaN ? .infinity : max(largest, difference)
    }
  }
}

/// The sum of the terms 0 ..< count.
func sum(_ count: Int, _ term: (Int) -> Double) -> Double {
  var total = 0.0
  for index in 0..<count { total += term(index) }
  return total
}

internal import HeedArrays
internal import HeedIR

extension NDArray {
  /// The array of `literals` in row-major order.
  /// - Throws: where their number is not that of the shape.
  init(_ literals: [Literal], _ element: ElementType, _ shape: [Int]) throws {
    let count = try Shape.elementCount(of: shape)
    guard literals.count == count else {
      throw HeedError("got \(literals.count) values for a constant of shape \(shape), expected \(count)")
    }
    try self.init(element, shape) { literals[$0] }
  }
}

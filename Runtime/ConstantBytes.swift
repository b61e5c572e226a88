internal import HeedArrays
internal import HeedIR

extension NDArray {
  /// The array of `literals` in row-major order.
  /// - Throws: where their number is not that of the shape.
  init(_ literals: [Literal], _ element: ElementType, _ shape: [Int]) throws {
    try self.init(zeros: element, shape)
    guard literals.count == count else {
      throw HeedError("got \(literals.count) values for a constant of shape \(shape), expected \(count)")
    }
    let bytes = storage.bytes
    func store<Scalar: BitwiseCopyable>(_ convert: (Literal) -> Scalar) {
      for (position, literal) in literals.enumerated() {
        bytes.storeBytes(of: convert(literal), toByteOffset: position * MemoryLayout<Scalar>.size, as: Scalar.self)
      }
    }
    switch element {
    case .f64: store { $0.real }
    case .f32: store { Float($0.real) }
    case .f16: store { Float16($0.real) }
    case .bf16: store { BFloat16($0.real) }
    case .i64: store { $0.integer }
    case .i32: store { Int32(truncatingIfNeeded: $0.integer) }
    case .i8: store { Int8(truncatingIfNeeded: $0.integer) }
    case .u8: store { UInt8(truncatingIfNeeded: $0.integer) }
    case .bool: store { UInt8($0.integer == 0 ? 0 : 1) }
    }
  }
}

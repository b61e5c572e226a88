public import HeedArrays
public import HeedIR

extension ReferenceArray {
  /// The elements of `array` as doubles, or as 64-bit integers.
  public init(_ array: NDArray) {
    func integers<Scalar: ArrayElement & BinaryInteger>(_ type: Scalar.Type) -> [Int64] { array.values(as: type).map { Int64($0) } }
    switch array.element {
    case .f64: self.init(.f64, array.shape, reals: array.values(as: Double.self))
    case .f32: self.init(.f32, array.shape, reals: array.values(as: Float.self).map(Double.init))
    case .f16: self.init(.f16, array.shape, reals: array.values(as: Float16.self).map(Double.init))
    case .bf16: self.init(.bf16, array.shape, reals: array.values(as: BFloat16.self).map { Double($0.float) })
    case .i64: self.init(.i64, array.shape, integers: integers(Int64.self))
    case .i32: self.init(.i32, array.shape, integers: integers(Int32.self))
    case .i8: self.init(.i8, array.shape, integers: integers(Int8.self))
    case .u8: self.init(.u8, array.shape, integers: integers(UInt8.self))
    case .bool:
      // Bytes, since one that is neither 0 nor 1 is not a Swift bool.
      let bytes = array.contiguous()
      self.init(.bool, array.shape, integers: withExtendedLifetime(bytes.storage) { bytes.bytes.map { $0 == 0 ? 0 : 1 } })
    }
  }
}

extension NDArray {
  /// The elements of `array` rounded to its element type, ties to even; integers wrapped.
  public init(_ array: ReferenceArray) throws {
    switch array.element {
    case .f64: try self.init(array.reals, array.shape)
    case .f32: try self.init(array.reals.map { Float($0) }, array.shape)
    case .f16: try self.init(array.reals.map { Float16($0) }, array.shape)
    case .bf16: try self.init(array.reals.map { BFloat16($0) }, array.shape)
    case .i64: try self.init(array.integers, array.shape)
    case .i32: try self.init(array.integers.map { Int32(truncatingIfNeeded: $0) }, array.shape)
    case .i8: try self.init(array.integers.map { Int8(truncatingIfNeeded: $0) }, array.shape)
    case .u8: try self.init(array.integers.map { UInt8(truncatingIfNeeded: $0) }, array.shape)
    case .bool: try self.init(array.integers.map { $0 != 0 }, array.shape)
    }
  }
}

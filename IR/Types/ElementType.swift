/// The type of one element of a tensor.
public enum ElementType: UInt8, CaseIterable, Hashable, Sendable {
  case f64, f32, f16, bf16, i64, i32, i8, u8, bool

  /// The name in text, such as `f32`.
  public var name: String { "\(self)" }

  /// The type called `name`, or nil.
  public init?(name: some StringProtocol) {
    guard let match = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = match
  }

  /// Bytes of one element in memory. A bool takes a byte, 0 or 1.
  public var byteCount: Int {
    switch self {
    case .f64, .i64: 8
    case .f32, .i32: 4
    case .f16, .bf16: 2
    case .i8, .u8, .bool: 1
    }
  }

  /// True for f64, f32, f16 and bf16.
  public var isFloat: Bool {
    switch self {
    case .f64, .f32, .f16, .bf16: true
    case .i64, .i32, .i8, .u8, .bool: false
    }
  }

  /// The type in which kernels compute with elements and keep sums of them: f32 for the 16-bit floats, else the type itself.
  ///
  /// This is the whole rule of 16-bit floats: a value is widened as it is loaded and rounded where it is stored. Inside a kernel it is
  /// rounded only where a graph converts to the narrow type.
  public var computed: ElementType { isFloat && byteCount == 2 ? .f32 : self }

  /// A finite number whose exponential is 0 in this float type.
  package var logarithmOfZero: Double { self == .f64 ? -746 : -104 }

  /// Whether a conversion from this float type to `other` rounds to fewer bits.
  package func isNarrowed(by other: ElementType) -> Bool { isFloat && other.isFloat && other.byteCount < byteCount }

  /// Whether a conversion from this type to the float type `other` keeps every value and takes more bytes: what kernels do as they load.
  public func widens(to other: ElementType) -> Bool {
    guard other.isFloat, byteCount < other.byteCount else { return false }
    return isFloat || byteCount == 1 && self != .bool || self == .i32
  }

  /// True for i64, i32, i8 and u8; false for bool.
  public var isInteger: Bool { !isFloat && self != .bool }

  /// The least and greatest value of an integer type; 0 ... 1 for bool.
  public var integerRange: ClosedRange<Int64> {
    switch self {
    case .i64: Int64.min...Int64.max
    case .i32: Int64(Int32.min)...Int64(Int32.max)
    case .i8: -128...127
    case .u8: 0...255
    case .bool: 0...1
    case .f64, .f32, .f16, .bf16: preconditionFailure("\(self) is not an integer type")
    }
  }

  /// `value` reduced to the bits of this integer type, two's complement; for bool, 1 where the value is not 0.
  public func wrap(_ value: Int64) -> Int64 {
    switch self {
    case .i64: value
    case .i32: Int64(Int32(truncatingIfNeeded: value))
    case .i8: Int64(Int8(truncatingIfNeeded: value))
    case .u8: Int64(UInt8(truncatingIfNeeded: value))
    case .bool: value == 0 ? 0 : 1
    case .f64, .f32, .f16, .bf16: preconditionFailure("\(self) is not an integer type")
    }
  }

  /// `value` rounded to the nearest value of this float type, ties to even.
  public func round(_ value: Double) -> Double {
    switch self {
    case .f64: value
    case .f32: Double(Float(value))
    case .f16: Double(Float16(value))
    case .bf16: Double(BFloat16(value).float)
    case .i64, .i32, .i8, .u8, .bool: preconditionFailure("\(self) is not a float type")
    }
  }
}

extension ElementType: CustomStringConvertible {
  /// The name in text: `f32`.
  public var description: String {
    switch self {
    case .f64: "f64"
    case .f32: "f32"
    case .f16: "f16"
    case .bf16: "bf16"
    case .i64: "i64"
    case .i32: "i32"
    case .i8: "i8"
    case .u8: "u8"
    case .bool: "bool"
    }
  }
}

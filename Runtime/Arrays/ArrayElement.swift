public import HeedIR

/// A Swift type with the memory layout of an element type.
public protocol ArrayElement: BitwiseCopyable, NDArrayConvertible {
  /// The element type that values of this type are in an array.
  static var elementType: ElementType { get }
}

extension Double: ArrayElement {
  /// An element of type f64.
  public static var elementType: ElementType { .f64 }
}

extension Float: ArrayElement {
  /// An element of type f32.
  public static var elementType: ElementType { .f32 }
}

extension Float16: ArrayElement {
  /// An element of type f16.
  public static var elementType: ElementType { .f16 }
}

extension BFloat16: ArrayElement {
  /// An element of type bf16.
  public static var elementType: ElementType { .bf16 }
}

extension Int64: ArrayElement {
  /// An element of type i64.
  public static var elementType: ElementType { .i64 }
}

extension Int: ArrayElement {
  /// An element of type i64.
  public static var elementType: ElementType { .i64 }
}

extension Int32: ArrayElement {
  /// An element of type i32.
  public static var elementType: ElementType { .i32 }
}

extension Int8: ArrayElement {
  /// An element of type i8.
  public static var elementType: ElementType { .i8 }
}

extension UInt8: ArrayElement {
  /// An element of type u8.
  public static var elementType: ElementType { .u8 }
}

extension Bool: ArrayElement {
  /// An element of type bool.
  public static var elementType: ElementType { .bool }
}

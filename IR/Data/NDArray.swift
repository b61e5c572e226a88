#if canImport(Glibc)
  import Glibc
#endif

/// The memory behind an `NDArray`: bytes at a fixed address, freed by `release` when the last array that uses them goes.
///
/// It may be plain heap memory, a mapped file, or a test's buffer between guard pages.
public final class ArrayStorage: @unchecked Sendable {
  public let bytes: UnsafeMutableRawBufferPointer
  private let release: @Sendable (UnsafeMutableRawBufferPointer) -> Void

  public init(bytes: UnsafeMutableRawBufferPointer, release: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void) {
    (self.bytes, self.release) = (bytes, release)
  }

  /// Zeroed memory aligned to 64 bytes; where there is much of it, in huge pages if the system has them.
  public convenience init(byteCount: Int) {
    let hugePage = 2 << 20
    let isLarge = byteCount >= 2 * hugePage
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(byteCount, 64), alignment: isLarge ? hugePage : 64)
    #if canImport(Glibc)
      if isLarge { madvise(bytes.baseAddress!, byteCount / hugePage * hugePage, MADV_HUGEPAGE) }
    #endif
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    self.init(bytes: UnsafeMutableRawBufferPointer(rebasing: bytes[0..<byteCount])) { $0.baseAddress!.deallocate() }
  }

  deinit { release(bytes) }
}

/// A concrete array: an element type, extents, and elements in row-major order.
///
/// A value of this type is never changed once made, so it can be shared between threads.
public struct NDArray: Sendable {
  public let element: ElementType
  public let shape: [Int]
  public let storage: ArrayStorage

  /// An array over the first bytes of `storage`.
  /// - Throws: where an extent is negative, the size overflows, or the storage is too small.
  public init(element: ElementType, shape: [Int], storage: ArrayStorage) throws {
    let count = try Self.elementCount(shape)
    let (byteCount, overflow) = count.multipliedReportingOverflow(by: element.byteCount)
    guard !overflow, byteCount <= storage.bytes.count else {
      throw HeedError("an array \(element)\(shape) does not fit in \(storage.bytes.count) bytes")
    }
    (self.element, self.shape, self.storage) = (element, shape, storage)
  }

  /// The number of elements of `shape`.
  /// - Throws: where an extent is negative or the product overflows.
  public static func elementCount(_ shape: [Int]) throws -> Int {
    var count = 1
    for extent in shape {
      guard extent >= 0 else { throw HeedError("got an array of shape \(shape), expected extents of at least 0") }
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw HeedError("an array of shape \(shape) has more elements than 64 bits count") }
      count = product
    }
    return count
  }

  /// An array of zeros.
  public init(zeros element: ElementType, _ shape: [Int]) throws {
    let count = try Self.elementCount(shape)
    let (byteCount, overflow) = count.multipliedReportingOverflow(by: element.byteCount)
    guard !overflow else { throw HeedError("an array \(element)\(shape) has more bytes than 64 bits count") }
    try self.init(element: element, shape: shape, storage: ArrayStorage(byteCount: byteCount))
  }

  /// An array of the type that `Scalar` has in memory: `NDArray([1, 2, 3] as [Float], [3])`.
  public init<Scalar: ArrayElement>(_ values: [Scalar], _ shape: [Int]) throws {
    let count = try Self.elementCount(shape)
    guard values.count == count else {
      throw HeedError("got \(values.count) values for an array of shape \(shape), expected \(count)")
    }
    try self.init(zeros: Scalar.elementType, shape)
    values.withUnsafeBytes { storage.bytes.copyMemory(from: $0) }
  }

  public var count: Int { shape.reduce(1, *) }
  public var byteCount: Int { count * element.byteCount }
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage.bytes[0..<byteCount]) }

  /// The elements as Swift values. Traps where `Scalar` is not the array's own element type.
  public func values<Scalar: ArrayElement>(as type: Scalar.Type = Scalar.self) -> [Scalar] {
    precondition(Scalar.elementType == element, "an array of \(element) read as \(Scalar.elementType)")
    return withExtendedLifetime(storage) { Array(bytes.bindMemory(to: Scalar.self)) }
  }

  /// The same elements with other extents.
  public func reshaped(_ shape: [Int]) throws -> NDArray {
    guard try Self.elementCount(shape) == count else {
      throw HeedError("got shape \(shape) for an array of shape \(self.shape), expected \(count) elements")
    }
    return try NDArray(element: element, shape: shape, storage: storage)
  }
}

/// A Swift type with the memory layout of an element type.
public protocol ArrayElement: BitwiseCopyable, Sendable {
  static var elementType: ElementType { get }
}

extension Double: ArrayElement { public static var elementType: ElementType { .f64 } }
extension Float: ArrayElement { public static var elementType: ElementType { .f32 } }
extension Float16: ArrayElement { public static var elementType: ElementType { .f16 } }
extension BFloat16: ArrayElement { public static var elementType: ElementType { .bf16 } }
extension Int64: ArrayElement { public static var elementType: ElementType { .i64 } }
extension Int: ArrayElement { public static var elementType: ElementType { .i64 } }
extension Int32: ArrayElement { public static var elementType: ElementType { .i32 } }
extension Int8: ArrayElement { public static var elementType: ElementType { .i8 } }
extension UInt8: ArrayElement { public static var elementType: ElementType { .u8 } }
extension Bool: ArrayElement { public static var elementType: ElementType { .bool } }

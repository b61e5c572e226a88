public import HeedIR
internal import HeedSystem

/// A concrete array: an element type, extents, and elements in row-major order.
///
/// A value of this type is never changed once made, so it can be shared between threads.
public struct NDArray: Sendable {
  /// The type of each element.
  public let element: ElementType
  /// The extents, outermost first.
  public let shape: [Int]
  /// The memory that the elements are in; they start at its first byte.
  public let storage: ArrayStorage

  /// An array over the first bytes of `storage`.
  /// - Throws: where an extent is negative, the size overflows, or the storage is too small.
  public init(element: ElementType, shape: [Int], storage: ArrayStorage) throws {
    let count = try Shape.elementCount(of: shape)
    let (byteCount, overflow) = count.multipliedReportingOverflow(by: element.byteCount)
    guard !overflow, byteCount <= storage.bytes.count else {
      throw HeedError("an array \(element)\(shape) does not fit in \(storage.bytes.count) bytes")
    }
    (self.element, self.shape, self.storage) = (element, shape, storage)
  }

  /// An array of zeros.
  /// - Throws: where an extent is negative or the size overflows.
  public init(zeros element: ElementType, _ shape: [Int]) throws {
    let count = try Shape.elementCount(of: shape)
    let (byteCount, overflow) = count.multipliedReportingOverflow(by: element.byteCount)
    guard !overflow else { throw HeedError("an array \(element)\(shape) has more bytes than 64 bits count") }
    try AvailableMemory.check(byteCount, for: "an array \(element)\(shape)")
    try self.init(element: element, shape: shape, storage: ArrayStorage(byteCount: byteCount))
  }

  /// An array of these elements in row-major order: `NDArray([1, 2, 3] as [Float], [3])`.
  /// - Throws: where the number of values is not that of the shape.
  public init<Scalar: ArrayElement>(_ values: [Scalar], _ shape: [Int]) throws {
    let count = try Shape.elementCount(of: shape)
    guard values.count == count else {
      throw HeedError("got \(values.count) values for an array of shape \(shape), expected \(count)")
    }
    try self.init(zeros: Scalar.elementType, shape)
    values.withUnsafeBytes { storage.bytes.copyMemory(from: $0) }
  }

  /// The number of elements.
  public var count: Int { shape.contains(0) ? 0 : shape.reduce(1, *) }
  /// The size of the elements in memory.
  public var byteCount: Int { count * element.byteCount }
  /// The elements in memory. Valid only while the array or its storage is kept alive.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage.bytes[0..<byteCount]) }

  /// The elements as Swift values. Traps where `Scalar` is not the array's own element type.
  public func values<Scalar: ArrayElement>(as type: Scalar.Type = Scalar.self) -> [Scalar] {
    precondition(Scalar.elementType == element, "an array of \(element) read as \(Scalar.elementType)")
    return withExtendedLifetime(storage) { Array(bytes.bindMemory(to: Scalar.self)) }
  }

  /// The same elements with other extents; the memory is shared.
  /// - Throws: where the number of elements would change.
  public func reshaped(_ shape: [Int]) throws -> NDArray {
    guard try Shape.elementCount(of: shape) == count else {
      throw HeedError("got shape \(shape) for an array of shape \(self.shape), expected \(count) elements")
    }
    return try NDArray(element: element, shape: shape, storage: storage)
  }
}

public import HeedIR
internal import HeedSystem

/// An array of numbers or bools: an element type, extents, and elements in row-major order.
///
/// ```swift
/// let x: NDArray = [[1, 2], [3, 4]]
/// let y = NDArray.random([8, 64], seed: 1)
/// print(y[0], y.shape, try y[0, 1].float())
/// ```
///
/// An array is a value: changing a copy, or a part of one, changes nothing else. Copies and parts share memory until one of them
/// is changed, so neither moves elements. Values can be shared between threads.
public struct NDArray: Sendable {
  /// The type of each element.
  public let element: ElementType
  /// The memory that the elements are in; see `bytes`.
  public private(set) var storage: ArrayStorage
  /// Where the elements lie in the memory.
  private(set) var layout: ArrayLayout
  /// Whether the array was written as a literal, whose numbers take the type that they are used as.
  let isLiteral: Bool

  init(_ element: ElementType, _ layout: ArrayLayout, _ storage: ArrayStorage, isLiteral: Bool = false) {
    (self.element, self.layout, self.storage, self.isLiteral) = (element, layout, storage, isLiteral)
  }

  /// An array over the first bytes of `storage`.
  /// - Throws: where an extent is negative, the size overflows, or the storage is too small.
  public init(element: ElementType, shape: [Int], storage: ArrayStorage) throws {
    let byteCount = try Self.byteCount(element, shape)
    guard byteCount <= storage.bytes.count else {
      throw HeedError("an array \(element)\(shape) does not fit in \(storage.bytes.count) bytes")
    }
    self.init(element, ArrayLayout(shape), storage)
  }

  /// An array of zeros.
  /// - Throws: where an extent is negative, the size overflows, or memory lacks.
  public init(zeros element: ElementType, _ shape: [Int]) throws {
    let byteCount = try Self.byteCount(element, shape)
    try AvailableMemory.check(byteCount, for: "an array \(element)\(shape)")
    self.init(element, ArrayLayout(shape), try ArrayStorage(reserving: byteCount, for: "an array \(element)\(shape)"))
  }

  /// An array of these elements in row-major order: `NDArray([1, 2, 3] as [Float], [3])`.
  /// - Throws: where the number of values is not that of the shape.
  @_disfavoredOverload  // A list written in place is a literal: see the initialiser of `ArrayLiteral`.
  public init<Scalar: ArrayElement>(_ values: [Scalar], _ shape: [Int]) throws {
    let count = try Shape.elementCount(of: shape)
    guard values.count == count else {
      throw HeedError("got \(values.count) values for an array of shape \(shape), expected \(count)")
    }
    try self.init(zeros: Scalar.elementType, shape)
    values.withUnsafeBytes { storage.bytes.copyMemory(from: $0) }
  }

  /// - Throws: where an extent is negative or the size overflows.
  private static func byteCount(_ element: ElementType, _ shape: [Int]) throws -> Int {
    let (byteCount, overflow) = try Shape.elementCount(of: shape).multipliedReportingOverflow(by: element.byteCount)
    guard !overflow else { throw HeedError("an array \(element)\(shape) has more bytes than 64 bits count") }
    return byteCount
  }

  /// The extents, outermost first.
  public var shape: [Int] { layout.shape }
  /// The number of elements.
  public var count: Int { layout.shape.contains(0) ? 0 : layout.shape.reduce(1, *) }
  /// The size of the elements in memory.
  public var byteCount: Int { count * element.byteCount }
  /// Whether the elements lie in memory in row-major order without gaps. All arrays do but parts such as a column.
  public var isContiguous: Bool { layout.strides == nil }

  /// The elements in memory. Valid only while the array or its storage is kept alive. Stops the program where the array is not
  /// contiguous: ask `contiguous()` for one that is.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(mutableBytes) }

  /// The same memory, for kernels and for those who fill a new array.
  package var mutableBytes: UnsafeMutableRawBufferPointer {
    guard isContiguous else { fatalError("NDArray.bytes: got \(typeText), a part with gaps; use contiguous().bytes") }
    let start = layout.offset * element.byteCount
    return UnsafeMutableRawBufferPointer(rebasing: storage.bytes[start..<start + byteCount])
  }

  /// The array itself where its elements are contiguous, else a copy that is. Stops the program where memory lacks.
  public func contiguous() -> NDArray { Self.stopping { try packed() } }

  /// The same elements with other extents; the memory is shared where the array is contiguous.
  /// - Throws: where the number of elements would change.
  public func reshaped(_ shape: [Int]) throws -> NDArray {
    guard try Shape.elementCount(of: shape) == count else {
      throw HeedError("got shape \(shape) for an array of shape \(self.shape), expected \(count) elements")
    }
    let source = contiguous()
    return NDArray(element, ArrayLayout(shape, offset: source.layout.offset), source.storage, isLiteral: isLiteral)
  }

  /// The type and shape as errors and `description` write them: `f32[2, 3]`; a scalar is its type alone.
  var typeText: String { shape.isEmpty ? "\(element)" : "\(element)\(shape)" }
}

/// What tells arrays apart that hold other elements: equal versions of contiguous arrays of one type hold the same.
package struct ArrayVersion: Hashable, Sendable {
  private let storage: UInt64
  private let offset: Int

  /// nil where the elements may change unseen.
  package init?(_ array: NDArray) {
    guard let version = array.storage.version else { return nil }
    (storage, offset) = (version, array.layout.offset)
  }
}

// MARK: Memory

extension NDArray {
  /// The same elements in memory of their own.
  /// - Throws: where memory lacks.
  func copy() throws -> NDArray {
    let storage = try ArrayStorage(reserving: byteCount, for: "a copy of an array \(typeText)")
    let copy = NDArray(element, ArrayLayout(shape), storage, isLiteral: isLiteral)
    copy.fill(ArrayLayout(shape), from: self)
    return copy
  }

  /// The array itself where its elements are contiguous, else a copy that is.
  /// - Throws: where memory lacks.
  package func packed() throws -> NDArray { isContiguous ? self : try copy() }

  /// The part of the array that `layout` describes.
  func part(_ layout: ArrayLayout) -> NDArray { NDArray(element, layout, storage, isLiteral: isLiteral) }

  /// Makes sure that nothing but this array sees its memory, which is about to change.
  /// - Throws: where memory lacks for a copy.
  package mutating func makeUnique() throws {
    if storage.isExclusive, isKnownUniquelyReferenced(&storage) { storage.noteChange() } else { self = try copy() }
  }

  /// Writes the elements of `source`, an array of the same type, to the places of `part`, which has its shape.
  func fill(_ part: ArrayLayout, from source: NDArray) {
    guard source.count > 0 else { return }
    withExtendedLifetime((storage, source.storage)) {
      let size = element.byteCount
      copyElements(
        ofSize: size, shape: source.shape, from: source.storage.bytes.baseAddress! + source.layout.offset * size,
        source.layout.allStrides, to: storage.bytes.baseAddress! + part.offset * size, part.allStrides)
    }
  }
}

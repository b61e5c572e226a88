internal import CHeedMemory
internal import HeedIR
internal import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// The memory behind an `NDArray`: bytes at a fixed address, freed by `release` with the last array that uses them.
///
/// It may be plain heap memory, a mapped file, or a test's buffer between guard pages.
public final class ArrayStorage: @unchecked Sendable {
  /// The memory, which stays at this address as long as this object lives. Only who made it writes to it, before anything reads it.
  package let bytes: UnsafeMutableRawBufferPointer
  /// Whether nothing else sees the memory, so that the only array of this storage may be changed in place.
  let isExclusive: Bool
  /// A number of what the memory holds, which no other storage has: another one after each change, so that what was computed of the same
  /// number need not be computed again. It is nil where the memory may change unseen.
  package private(set) var version: UInt64?
  private let release: @Sendable (UnsafeMutableRawBufferPointer) -> Void

  private static let lastVersion = Atomic<UInt64>(0)

  /// Memory that `release` frees, once, when no array uses it any more.
  /// - Parameters:
  ///   - isExclusive: whether the memory may be written to and nothing else sees it. An array in other memory, such as a
  ///     mapped file, is copied before it is changed.
  ///   - isConstant: whether nothing writes to the memory as long as this object lives. What a program computes of it alone, such as packed
  ///     weights, is then kept from call to call.
  public init(
    bytes: UnsafeMutableRawBufferPointer, isExclusive: Bool = false, isConstant: Bool = false,
    release: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void
  ) {
    (self.bytes, self.isExclusive, self.release) = (bytes, isExclusive, release)
    if isExclusive || isConstant { noteChange() }
  }

  /// Zeroed memory aligned to 64 bytes. From 4 MiB on it is in huge pages, if the system has them. Stops the program where memory lacks.
  public convenience init(byteCount: Int) {
    do { try self.init(reserving: byteCount, for: "an array") } catch { fatalError("ArrayStorage: \(error)") }
  }

  /// The same.
  /// - Parameter need: what needs the memory, for the error.
  /// - Throws: where memory lacks.
  package convenience init(reserving byteCount: Int, for need: @autoclosure () -> String) throws {
    let hugePage = 2 << 20
    let isLarge = byteCount >= 2 * hugePage
    guard let start = heed_memory_allocate(max(byteCount, 64), isLarge ? hugePage : 64) else {
      throw HeedError("no memory for \(need()) of \(byteCount) bytes")
    }
    #if canImport(Glibc)
      if isLarge { madvise(start, byteCount / hugePage * hugePage, MADV_HUGEPAGE) }
    #endif
    let bytes = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    self.init(bytes: bytes, isExclusive: true) {
      heed_memory_release($0.baseAddress)
    }
  }

  /// Says that what the memory holds will change. Only for the one array that uses it.
  func noteChange() { version = Self.lastVersion.add(1, ordering: .relaxed).newValue }

  deinit { release(bytes) }
}

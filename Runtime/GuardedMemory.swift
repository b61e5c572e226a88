internal import Foundation
package import HeedArrays
internal import HeedIR

/// Memory between two pages that may not be touched, so that an access out of bounds ends the process at once. For tests.
package enum GuardedMemory: CaseIterable, Sendable {
  /// The first byte is the first after a guard page: reads and writes before the start fault.
  case begins
  /// The last byte is the last before a guard page, as near as the elements' alignment allows: accesses past the end fault.
  case ends

  /// `byteCount` bytes with every bit set (a NaN in each float type), at an address that is a multiple of `alignment`, a power
  /// of two of at most a page. Where `byteCount` is a multiple of `alignment` nothing lies between them and the guard page.
  /// - Throws: where memory lacks.
  package func storage(byteCount: Int, alignment: Int) throws -> ArrayStorage {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    precondition(byteCount >= 0 && alignment > 0 && alignment & (alignment - 1) == 0 && alignment <= page)
    let inner = max((byteCount + page - 1) / page * page, page)
    let mapped = inner + 2 * page
    guard let start = mmap(nil, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), start != MAP_FAILED else {
      throw HeedError("no memory for \(byteCount) bytes between guard pages")
    }
    guard mprotect(start + page, inner, PROT_READ | PROT_WRITE) == 0 else {
      munmap(start, mapped)
      throw HeedError("no memory for \(byteCount) bytes between guard pages")
    }
    memset(start + page, 0xFF, inner)
    let offset =
      switch self {
      case .begins: 0
      case .ends: (inner - byteCount) & ~(alignment - 1)
      }
    let address = Int(bitPattern: start)
    return ArrayStorage(bytes: UnsafeMutableRawBufferPointer(start: start + page + offset, count: byteCount)) { _ in
      munmap(UnsafeMutableRawPointer(bitPattern: address), mapped)
    }
  }
}

extension NDArray {
  /// A copy of this array between guard pages.
  /// - Throws: where memory lacks.
  package func guarded(_ place: GuardedMemory) throws -> NDArray {
    let storage = try place.storage(byteCount: byteCount, alignment: element.byteCount)
    let source = try packed()
    withExtendedLifetime(source.storage) { storage.bytes.copyMemory(from: source.bytes) }
    return try NDArray(element: element, shape: shape, storage: storage)
  }
}

internal import Foundation
internal import HeedIR

/// A file mapped for reading. The memory lives as long as this object.
///
/// Cutting a file short while it is mapped makes later reads fail in hardware: replace weight files by renaming.
package final class MappedFile: @unchecked Sendable {
  /// The bytes of the file. The pages are write-protected.
  package let bytes: UnsafeMutableRawBufferPointer

  /// Maps the regular file at `path`.
  /// - Throws: `HeedError` where it cannot be opened or mapped.
  package init(path: String) throws {
    let file = try FileBytes.open(path, O_RDONLY)
    defer { try? file.close() }
    guard let size = try FileBytes.regularSize(of: file, path: path) else {
      throw HeedError("reading \(path): got a pipe or a device, expected a regular file")
    }
    guard size > 0 else {
      bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, file.number, 0), start != MAP_FAILED else {
      throw FileBytes.systemError("mapping \(path)")
    }
    bytes = UnsafeMutableRawBufferPointer(start: start, count: size)
  }

  deinit {
    if let start = bytes.baseAddress { munmap(start, bytes.count) }
  }
}

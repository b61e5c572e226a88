import Foundation
import HeedIR

/// Whole files as bytes, with errors that name the file and the system's reason.
package enum FileBytes {
  /// The contents of the file at `path`, read until its end, so that a pipe works too.
  /// - Throws: `HeedError` where the file cannot be opened or read.
  package static func read(_ path: String) throws -> [UInt8] {
    let file = try open(path, O_RDONLY)
    defer { close(file) }
    let size = try regularSize(of: file, path: path) ?? 0
    return try readToEnd(file, path: path, expecting: size)
  }

  /// The contents of the file at `path` as text.
  /// - Throws: `HeedError` where the file cannot be read or is not UTF-8.
  package static func readText(_ path: String) throws -> String {
    guard let text = String(validating: try read(path), as: UTF8.self) else {
      throw HeedError("got bytes that are not UTF-8, expected a text").during("reading \(path)")
    }
    return text
  }

  /// Writes `pieces` one after another to `path`, over what was there.
  /// - Throws: `HeedError` where the file cannot be created or written.
  package static func write(_ pieces: [UnsafeRawBufferPointer], to path: String) throws {
    let file = try open(path, O_WRONLY | O_CREAT | O_TRUNC)
    var isOpen = true
    defer { if isOpen { close(file) } }
    for piece in pieces {
      var rest = piece[...]
      while !rest.isEmpty {
        let count = Foundation.write(file, UnsafeRawBufferPointer(rebasing: rest).baseAddress!, rest.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw systemError("writing \(path)") }
        rest = rest.dropFirst(count)
      }
    }
    isOpen = false
    guard close(file) == 0 else { throw systemError("writing \(path)") }
  }

  /// A descriptor of the file at `path`.
  static func open(_ path: String, _ flags: Int32) throws -> Int32 {
    guard !path.utf8.contains(0) else { throw HeedError("got a path with a zero byte in it") }
    let file = Foundation.open(path, flags | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw systemError("opening \(path)") }
    return file
  }

  /// The size in bytes of an open regular file, or nil where it is a pipe or a device.
  static func regularSize(of file: Int32, path: String) throws -> Int? {
    var status = stat()
    guard fstat(file, &status) == 0 else { throw systemError("reading \(path)") }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: throw HeedError("reading \(path): got a folder, expected a file")
    case S_IFREG: return Int(status.st_size)
    default: return nil
    }
  }

  /// The error of the last system call.
  static func systemError(_ context: String) -> HeedError {
    HeedError("\(context): \(String(cString: strerror(errno)))")
  }

  private static func readToEnd(_ file: Int32, path: String, expecting size: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size + 1)
    var chunk = [UInt8](repeating: 0, count: min(max(size + 1, 1 << 16), 1 << 22))
    while true {
      let count = chunk.withUnsafeMutableBytes { Foundation.read(file, $0.baseAddress!, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw systemError("reading \(path)") }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
    }
  }
}

/// A file mapped for reading. The memory lives as long as this object.
///
/// Cutting a file short while it is mapped makes later reads fail in hardware: replace weight files by renaming.
final class MappedFile: @unchecked Sendable {
  /// The bytes of the file. The pages are write-protected.
  let bytes: UnsafeMutableRawBufferPointer

  /// Maps the regular file at `path`.
  /// - Throws: `HeedError` where it cannot be opened or mapped.
  init(path: String) throws {
    let file = try FileBytes.open(path, O_RDONLY)
    defer { close(file) }
    guard let size = try FileBytes.regularSize(of: file, path: path) else {
      throw HeedError("reading \(path): got a pipe or a device, expected a regular file")
    }
    guard size > 0 else {
      bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0), start != MAP_FAILED else {
      throw FileBytes.systemError("mapping \(path)")
    }
    bytes = UnsafeMutableRawBufferPointer(start: start, count: size)
  }

  deinit {
    if let start = bytes.baseAddress { munmap(start, bytes.count) }
  }
}

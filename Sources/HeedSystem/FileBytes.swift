internal import Foundation
internal import HeedIR

/// Whole files as bytes, with errors that name the file and the system's reason.
package enum FileBytes {
  /// The contents of the file at `path`, read until its end, so that a pipe works too.
  /// - Throws: `HeedError` where the file cannot be opened or read.
  package static func read(_ path: String) throws -> [UInt8] {
    let file = try open(path, O_RDONLY)
    defer { try? file.close() }
    return try readToEnd(file, path: path, expecting: regularSize(of: file, path: path) ?? 0)
  }

  /// What standard input holds until its end.
  /// - Throws: `HeedError` where it cannot be read.
  package static func readStandardInput() throws -> [UInt8] {
    try readToEnd(.standardInput, path: "standard input", expecting: 0)
  }

  /// The contents of the file at `path` as text.
  /// - Throws: `HeedError` where the file cannot be read or is not UTF-8.
  package static func readText(_ path: String) throws -> String {
    guard let text = String(validating: try read(path), as: UTF8.self) else {
      throw HeedError("got bytes that are not UTF-8, expected a text").during("reading \(path)")
    }
    return text
  }

  /// The file at `path`, opened.
  static func open(_ path: String, _ flags: Int32) throws -> Descriptor {
    guard !path.utf8.contains(0) else { throw HeedError("got a path with a zero byte in it") }
    let file = openRepeating(path, flags | O_CLOEXEC)
    guard file >= 0 else { throw systemError("opening \(path)") }
    return Descriptor(file)
  }

  /// The number of the opened file, or -1. A call that a signal interrupted is repeated.
  static func openRepeating(_ path: String, _ flags: Int32) -> Int32 {
    while true {
      let file = Foundation.open(path, flags, 0o666)
      if file >= 0 || errno != EINTR { return file }
    }
  }

  /// The size in bytes of an open regular file, or nil where it is a pipe or a device.
  static func regularSize(of file: Descriptor, path: String) throws -> Int? {
    var status = stat()
    guard fstat(file.number, &status) == 0 else { throw systemError("reading \(path)") }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: throw HeedError("reading \(path): got a folder, expected a file")
    case S_IFREG: return Int(status.st_size)
    default: return nil
    }
  }

  /// The error of the last system call, or of `error`.
  static func systemError(_ context: String, _ error: SystemError = .last) -> HeedError { HeedError("\(context): \(error)") }

  /// The error of a write that failed.
  static func writeError(_ name: String, _ error: SystemError) -> any Error {
    error.code == EPIPE ? BrokenPipe() : systemError("writing \(name)", error)
  }

  private static func readToEnd(_ file: Descriptor, path: String, expecting size: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    let chunkSize = min(max(size + 1, 1 << 16), 1 << 22)
    guard AvailableMemory.canMap(size + chunkSize) else {
      throw HeedError("no memory for a file of \(size) bytes").during("reading \(path)")
    }
    bytes.reserveCapacity(size + 1)
    var chunk = [UInt8](repeating: 0, count: chunkSize)
    while true {
      let count: Int
      do { count = try chunk.withUnsafeMutableBytes(file.read) } catch let error as SystemError {
        throw systemError("reading \(path)", error)
      }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
    }
  }
}

internal import Foundation

/// Why a system call failed.
package struct SystemError: Error, CustomStringConvertible {
  package let code: Int32

  /// The error of the last system call.
  package static var last: SystemError { SystemError(code: errno) }

  /// The system's words: `No space left on device`.
  package var description: String { String(cString: strerror(code)) }
}

/// An open file, by its number. Calls that a signal interrupted, or that found a non-blocking file busy, are repeated.
package struct Descriptor: Sendable {
  package let number: Int32

  package init(_ number: Int32) { self.number = number }

  package static let standardInput = Descriptor(0)
  package static let standardOutput = Descriptor(1)
  package static let standardError = Descriptor(2)

  /// Reads what is there, at least one byte, into `buffer`; returns 0 at the end of the file.
  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
    while true {
      let count = Foundation.read(number, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      try waitAfterFailure(for: POLLIN)
    }
  }

  /// Whether a read would not wait, for bytes or for the end.
  package var isReady: Bool {
    var request = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    return poll(&request, 1, 0) != 0
  }

  /// Writes all of `bytes`.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Foundation.write(number, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count >= 0 { rest = rest.dropFirst(count) } else { try waitAfterFailure(for: POLLOUT) }
    }
  }

  /// Waits until what was written is on the disk. Files of kinds that have no disk, such as pipes, are left alone.
  package func synchronize() throws(SystemError) {
    while fsync(number) != 0 {
      switch errno {
      case EINTR: continue
      case EINVAL, EROFS: return
      default: throw .last
      }
    }
  }

  /// Closes the file. Some file systems only then say that a write failed.
  package func close() throws(SystemError) {
    // After EINTR the number is free on Linux: closing it again could close another file.
    guard Foundation.close(number) == 0 || errno == EINTR else { throw .last }
  }

  private func waitAfterFailure(for event: Int32) throws(SystemError) {
    switch errno {
    case EINTR: return
    case EAGAIN:
      var request = pollfd(fd: number, events: Int16(event), revents: 0)
      poll(&request, 1, -1)
    default: throw .last
    }
  }
}

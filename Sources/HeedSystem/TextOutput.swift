internal import Foundation
internal import HeedIR

/// Text to an open file, such as standard output, through a buffer. What cannot be written is an error, and stays one: all that comes after
/// it fails in the same way, so that no gap is left in what was written.
package final class TextOutput: Sendable {
  private let file: Descriptor
  private let name: String
  private let byteLimit: Int
  private let state = Lock(State())

  private struct State {
    var buffer: [UInt8] = []
    var hasWritten = false
    var failure: SystemError?
  }

  /// - Parameters:
  ///   - name: what errors call the file.
  ///   - byteLimit: how much is kept before it is written.
  package init(_ file: Descriptor, name: String, byteLimit: Int = 1 << 16) {
    (self.file, self.name, self.byteLimit) = (file, name, byteLimit)
  }

  /// Standard output. On a terminal each line is written at once.
  package static let standard = TextOutput(
    .standardOutput, name: "standard output", byteLimit: isatty(Descriptor.standardOutput.number) == 1 ? 0 : 1 << 16)

  /// Whether a person reads it on a terminal.
  package var isTerminal: Bool { isatty(file.number) == 1 }

  /// Takes `text`.
  /// - Throws: `BrokenPipe` where nobody reads it, `HeedError` where it, or what came before it, cannot be written.
  package func write(_ text: String) throws {
    try attempt { state in
      state.buffer.append(contentsOf: text.utf8)
      if state.buffer.count > byteLimit { try flush(&state) }
    }
  }

  /// Writes what is in the buffer.
  package func flush() throws { try attempt(flush) }

  /// Writes what is in the buffer and closes the file where anything was written.
  package func finish() throws {
    try attempt { state in
      try flush(&state)
      if state.hasWritten { try file.close() }
    }
  }

  private func flush(_ state: inout State) throws {
    guard !state.buffer.isEmpty else { return }
    try state.buffer.withUnsafeBytes(file.write)
    state.buffer.removeAll(keepingCapacity: true)
    state.hasWritten = true
  }

  private func attempt(_ body: (inout State) throws -> Void) throws {
    try state.withLock { state in
      do {
        if let failure = state.failure { throw failure }
        try body(&state)
      } catch let error as SystemError {
        state.failure = error
        throw FileBytes.writeError(name, error)
      }
    }
  }
}

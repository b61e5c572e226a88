/// Nobody reads the pipe that was written to. It is no mistake: `heed embed | head -1` has what it wants.
package struct BrokenPipe: Error, CustomStringConvertible {
  /// As a shell reports a process that the signal SIGPIPE ended.
  package static let exitStatus: Int32 = 141

  package var description: String { "Broken pipe" }
}

internal import Foundation
internal import HeedIR

/// A text file that grows line by line. Each line is handed to the system at once, so that a process that is killed loses none.
package final class LineFile: Sendable {
  /// Where the file is.
  package let path: String
  private let file: Descriptor

  /// Opens the file at `path` for appending; makes it where it is missing. It is this process's until the file is let go or the process ends.
  /// - Throws: `HeedError` where the file cannot be opened, or another process appends to it.
  package init(path: String) throws {
    self.path = path
    file = try FileBytes.open(path, O_WRONLY | O_CREAT | O_APPEND)
    // File systems without locks have none.
    if flock(file.number, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      try? file.close()
      throw HeedError("opening \(path): another process writes to it")
    }
  }

  deinit { try? file.close() }

  /// The bytes of the file.
  /// - Throws: `HeedError` where the system does not say.
  package func byteCount() throws -> Int { try FileBytes.regularSize(of: file, path: path) ?? 0 }

  /// Cuts the file to its first `byteCount` bytes.
  /// - Throws: `HeedError` where it cannot be cut.
  package func cut(to byteCount: Int) throws {
    guard ftruncate(file.number, off_t(byteCount)) == 0 else { throw FileBytes.systemError("cutting \(path)") }
  }

  /// Appends `line` and its end.
  /// - Throws: `HeedError` where it cannot be written; a part of it may then be.
  package func append(_ line: String) throws {
    var text = line + "\n"
    try text.withUTF8 { bytes in
      do throws(SystemError) { try file.write(UnsafeRawBufferPointer(bytes)) } catch {
        throw FileBytes.systemError("writing \(path)", error)
      }
    }
  }

  /// Waits until all lines are on the disk.
  /// - Throws: `HeedError` where they cannot be written.
  package func synchronize() throws {
    do { try file.synchronize() } catch { throw FileBytes.systemError("writing \(path)", error) }
  }
}

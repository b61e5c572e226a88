internal import Foundation
internal import HeedIR

/// A file that will be written, and what names it: `--output y`.
package struct OutputPath {
  package let source: String
  package let path: String

  package init(_ source: String, _ path: String) { (self.source, self.path) = (source, path) }
}

extension FileBytes {
  /// Checks, before any work is done, that files can be created, and that none of them would replace another.
  ///
  /// Two paths are one file where they lead to it through links or other spellings. Pipes and devices may be written by several.
  /// - Throws: `HeedError` that names the paths.
  package static func check(_ outputs: [OutputPath]) throws {
    var known: [String: OutputPath] = [:]
    for output in outputs {
      guard let file = try destination(output.path) else { continue }
      if let other = known.updateValue(output, forKey: file) {
        let same = other.path == output.path ? "also" : "the same file as \(other.path)"
        throw HeedError("got \(output.path) for \(output.source), \(same) for \(other.source), expected a file for each")
      }
    }
  }

  /// The one absolute path of the regular file that `path` names, whether it exists or not; nil where that is a pipe or a device.
  private static func destination(_ path: String) throws -> String? {
    guard let place = try replaceable(path) else {
      var status = stat()
      guard stat(path, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR else {
        throw systemError("opening \(path)", SystemError(code: EISDIR))
      }
      return nil
    }
    let folder = (place.path as NSString).deletingLastPathComponent
    guard let real = realpath(folder.isEmpty ? "." : folder, nil) else { throw systemError("creating a file beside \(path)") }
    defer { free(real) }
    guard access(real, W_OK | X_OK) == 0 else { throw systemError("creating a file beside \(path)") }
    return String(cString: real) + "/" + (place.path as NSString).lastPathComponent
  }
}

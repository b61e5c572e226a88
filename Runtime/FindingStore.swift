internal import HeedIR

/// A small file of texts by key: what measurements on this machine found, for later processes.
///
/// It is one file, read as a whole and written under another name and renamed. A damaged file is ignored with one warning; the next
/// store replaces it. Of two processes that store at the same time the later one may undo the other's: no more is lost than a
/// measurement.
package final class FindingStore: Sendable {
  static let fileName = "tuned-tiles"
  private static let header = "heed tuned tiles 1"

  private let directory: String?
  private let log: ObjectCache.Logger
  private let hasWarned = Lock(false)

  /// A store in `directory`, which is made when first needed; one that keeps nothing where that is nil.
  init(directory: String?, log: @escaping ObjectCache.Logger) { (self.directory, self.log) = (directory, log) }

  /// The file; nil where nothing is kept.
  package var path: String? { directory.map { "\($0)/\(Self.fileName)" } }

  /// All that is stored.
  package func load() -> [String: String] {
    guard let path else { return [:] }
    do throws(FileError) {
      return try Self.decode(CacheFile.read(path))
    } catch {
      if case .missing = error { return [:] }
      let isFirst = hasWarned.withLock { warned in
        defer { warned = true }
        return !warned
      }
      if isFirst { log("tuned tiles: \(path): \(error): continuing without them") }
      return [:]
    }
  }

  /// Adds `findings` to what is stored, in place of what their keys had.
  /// - Throws: where the file cannot be written.
  package func add(_ findings: [String: String]) throws {
    guard let directory, let path else { return }
    do throws(FileError) {
      try CacheFile.write(Self.encode(load().merging(findings) { $1 }), to: path, in: directory, durably: true)
    } catch {
      throw HeedError("cannot write \(path): \(error)")
    }
  }

  /// A line that says what this is, one with the checksum of the rest, and a line for each key: the key, a tab, the text.
  private static func encode(_ findings: [String: String]) -> [UInt8] {
    let lines = findings.sorted { $0.key < $1.key }.map { key, text in
      precondition(!"\(key)\(text)".contains { $0 == "\t" || $0.isNewline }, "a finding is one line")
      return "\(key)\t\(text)\n"
    }
    let body = Array(lines.joined().utf8)
    return Array("\(header)\n\(String(CacheEntry.checksum(body[...]), radix: 16))\n".utf8) + body
  }

  private static func decode(_ file: [UInt8]) throws(FileError) -> [String: String] {
    let parts = file.split(separator: UInt8(ascii: "\n"), maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].elementsEqual(header.utf8) else { throw .damaged("not a file of tuned tiles of this version") }
    guard UInt64(String(decoding: parts[1], as: UTF8.self), radix: 16) == CacheEntry.checksum(parts[2]) else {
      throw .damaged("wrong checksum")
    }
    var findings: [String: String] = [:]
    for line in String(decoding: parts[2], as: UTF8.self).split(separator: "\n") {
      let fields = line.split(separator: "\t", maxSplits: 1)
      guard fields.count == 2 else { throw .damaged("a line without a tab") }
      findings[String(fields[0])] = String(fields[1])
    }
    return findings
  }
}

internal import Foundation
internal import HeedIR

/// The lines of a file, read piece by piece.
package final class LineReader {
  private let file: Descriptor
  private let name: String
  private let byteLimit: Int
  private var chunk = [UInt8](repeating: 0, count: 1 << 16)
  /// Bytes of the chunk that were not returned.
  private var rest = 0..<0
  private var isAtEnd = false
  /// The bytes of the file, where it is a regular one, and how many were read.
  private let byteCount: Int?
  private var readCount = 0

  /// Opens the file at `path`, or standard input where that is nil.
  /// - Parameter byteLimit: the greatest length of a line.
  /// - Throws: `HeedError` where the file cannot be opened.
  package init(_ path: String?, byteLimit: Int = .max) throws {
    file = try path.map { try FileBytes.open($0, O_RDONLY) } ?? .standardInput
    name = path ?? "standard input"
    self.byteLimit = byteLimit
    byteCount = try? FileBytes.regularSize(of: file, path: name)
  }

  deinit {
    if file.number != Descriptor.standardInput.number { try? file.close() }
  }

  /// The next line without its end; nil after the last. A line feed at the end of the file begins no line.
  /// - Throws: `HeedError` where the file cannot be read, or the line is longer than the limit.
  package func next() throws -> [UInt8]? {
    var line: [UInt8] = []
    while true {
      if let end = chunk[rest].firstIndex(of: UInt8(ascii: "\n")) {
        line.append(contentsOf: chunk[rest.lowerBound..<end])
        rest = end + 1..<rest.upperBound
        return line
      }
      line.append(contentsOf: chunk[rest])
      rest = 0..<0
      guard line.count <= byteLimit else {
        throw HeedError("reading \(name): got a line of more than \(byteLimit) bytes")
      }
      if !isAtEnd { try fill() }
      if isAtEnd { return line.isEmpty ? nil : line }
    }
  }

  /// The share of a regular file whose lines were returned; nil where the file has no known size.
  package var share: Double? { byteCount.map { $0 > 0 ? Double(readCount - rest.count) / Double($0) : 1 } }

  /// Whether more can be read without waiting for whoever writes the file.
  package var isReady: Bool { isAtEnd || chunk[rest].contains(UInt8(ascii: "\n")) || file.isReady }

  private func fill() throws {
    do { rest = 0..<(try chunk.withUnsafeMutableBytes(file.read)) } catch let error as SystemError {
      throw FileBytes.systemError("reading \(name)", error)
    }
    isAtEnd = rest.isEmpty
    readCount += rest.count
  }
}

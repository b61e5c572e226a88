import Foundation
import Heed

/// The memory of this process, as the kernel counts it.
enum PeakMemory {
  /// The bytes in memory now.
  static func now() throws -> Int { try bytes("VmRSS:") }

  /// The most bytes in memory since `reset`.
  static func most() throws -> Int { try bytes("VmHWM:") }

  /// Forgets how much was in memory before.
  static func reset() throws {
    let path = "/proc/self/clear_refs"
    guard let file = FileHandle(forWritingAtPath: path) else {
      throw HeedError("\(path): got no permission to write, expected that of this process")
    }
    try file.write(contentsOf: Data("5".utf8))
  }

  private static func bytes(_ key: String) throws -> Int {
    let status = try FileBytes.readText("/proc/self/status")
    let line = status.split(separator: "\n").first { $0.hasPrefix(key) }
    guard let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) }) else {
      throw HeedError("/proc/self/status: got no line \(key), expected the memory of this process")
    }
    return kibibytes << 10
  }
}

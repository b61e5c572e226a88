internal import Foundation
import HeedIR
import HeedSystem

/// The memory of this process, as the kernel counts it: what calls really take, beside a `MemoryPlan`.
public enum PeakMemory {
  /// The bytes in memory now.
  public static func now() throws -> Int { try bytes("VmRSS:") }

  /// The most bytes in memory since `reset`.
  public static func most() throws -> Int { try bytes("VmHWM:") }

  /// Forgets how much was in memory before.
  public static func reset() throws {
    let path = "/proc/self/clear_refs"
    guard let file = FileHandle(forWritingAtPath: path) else {
      throw HeedError("\(path): got no permission to write, expected that of this process")
    }
    try file.write(contentsOf: Data("5".utf8))
  }

  /// Gives memory that was freed back to the system, which else stays with the process for later use and counts as its own.
  public static func releaseFreed() {
    typealias Trim = @convention(c) (_ kept: Int) -> Int32
    guard let trim = dlsym(nil, "malloc_trim") else { return }
    _ = unsafeBitCast(trim, to: Trim.self)(0)
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

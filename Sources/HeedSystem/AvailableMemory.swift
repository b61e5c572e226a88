internal import Foundation
internal import HeedIR

/// What memory can still be had.
///
/// The system promises more memory than there is, and ends the process that takes it at its word. So large amounts are compared with
/// what is there before they are asked for.
package enum AvailableMemory {
  /// Less than this is not looked at: reading the system's numbers takes longer than using so little.
  private static let smallByteCount = 1 << 30

  /// - Parameter need: what needs the memory, for the error.
  /// - Throws: where the system has not `byteCount` bytes left.
  package static func check(_ byteCount: Int, for need: @autoclosure () -> String) throws {
    guard byteCount >= smallByteCount, let available = self.byteCount, byteCount > available else { return }
    throw HeedError("\(need()) needs \(byteCount) bytes of memory, expected at most the \(available) that are left")
  }

  /// Whether the system would map so many bytes more, as it may not under a limit of addresses (`ulimit -v`). Swift's own arrays end the
  /// process where it would not, so large ones ask first.
  package static func canMap(_ byteCount: Int) -> Bool {
    guard byteCount >= 1 << 20 else { return true }
    guard let start = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), start != MAP_FAILED else {
      return false
    }
    munmap(start, byteCount)
    return true
  }

  /// The bytes that the system, and this process's control group, have left; nil where they do not say.
  private static var byteCount: Int? {
    guard let text = try? FileBytes.readText("/proc/meminfo"),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
      let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return nil }
    let limit = (try? FileBytes.readText("/sys/fs/cgroup/memory.max")).flatMap { Int($0.dropLast()) }
    return min(kibibytes << 10, limit ?? .max)
  }
}

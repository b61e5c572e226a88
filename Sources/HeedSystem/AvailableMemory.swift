internal import Foundation
internal import HeedIR

/// What memory can still be had.
///
/// The system promises more memory than there is, and ends the process that takes it at its word. So large amounts are compared with
/// what is there before they are asked for.
package enum AvailableMemory {
  /// Less than this is not looked at: reading the system's numbers takes longer than using so little.
  package static let smallByteCount = 64 << 20

  /// - Parameter need: what needs the memory, for the error.
  /// - Throws: where the system has not `byteCount` bytes left.
  package static func check(_ byteCount: Int, for need: @autoclosure () -> String) throws {
    guard let available = shortage(of: byteCount) else { return }
    throw HeedError("\(need()) needs \(byteCount) bytes of memory, expected at most the \(available) that are left")
  }

  /// The bytes that are left, where `byteCount` are more; nil where there are enough, or the system does not say.
  package static func shortage(of byteCount: Int) -> Int? {
    guard byteCount >= smallByteCount, let available = self.byteCount(), byteCount > available else { return nil }
    return available
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

  /// The bytes that the machine, this process's control groups and its limit of addresses have left; nil where none of them says.
  /// - Parameter read: returns the contents of a file, or nil.
  package static func byteCount(read: (_ path: String) -> String? = { try? FileBytes.readText($0) }) -> Int? {
    let machine = number(after: "MemAvailable:", in: read("/proc/meminfo")).map { $0 << 10 }
    let groups = ControlGroups.limiting("memory", read: read).compactMap { rest(of: $0, read) }
    return ([machine, addressesLeft(read)].compactMap { $0 } + groups).min()
  }

  /// What a group has left; nil where it has no limit. Pages of files that nobody used of late can be had back.
  private static func rest(of group: ControlGroups.Group, _ read: (_ path: String) -> String?) -> Int? {
    func number(_ name: String) -> Int? { words(read("\(group.folder)/\(name)")).first.flatMap { Int($0) } }
    let (limit, use, pages) =
      group.isUnified
      ? ("memory.max", "memory.current", "inactive_file")
      : ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    guard let limit = number(limit), let used = number(use) else { return nil }
    let reclaimable = self.number(after: pages, in: read(group.folder + "/memory.stat")) ?? 0
    return max(0, limit - max(0, used - reclaimable))
  }

  /// What `ulimit -v` leaves of addresses, which memory needs too.
  private static func addressesLeft(_ read: (_ path: String) -> String?) -> Int? {
    guard let limit = number(after: "Max address space", in: read("/proc/self/limits")),
      let used = number(after: "VmSize:", in: read("/proc/self/status"))
    else { return nil }
    return max(0, limit - used << 10)
  }

  /// The number that follows `key` at the beginning of a line.
  private static func number(after key: String, in text: String?) -> Int? {
    let line = text?.split(separator: "\n").first { $0.hasPrefix(key) }
    return line.flatMap { words(String($0.dropFirst(key.count))).first }.flatMap { Int($0) }
  }

  private static func words(_ text: String?) -> [Substring] { (text ?? "").split(whereSeparator: \.isWhitespace) }
}

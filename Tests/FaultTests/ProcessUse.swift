import CHeedMemory
import Foundation
import Heed

/// What this process holds.
struct ProcessUse: Sendable {
  /// Resident memory, and the part of it that this process alone has and has written, in bytes: pages of files are shared or not as other
  /// processes come and go.
  var resident = 0
  var privateBytes = 0
  /// Blocks of memory of Heed's own.
  var blocks = 0
  var descriptors = 0
  var threads = 0
  /// Threads of pools.
  var workers = 0

  static var now: ProcessUse {
    var use = ProcessUse()
    use.blocks = Int(heed_memory_block_count())
    for line in lines("/proc/self/smaps_rollup") {
      let words = line.split(separator: " ")
      guard words.count > 1, let kibibytes = Int(words[1]) else { continue }
      if words[0] == "Rss:" { use.resident = kibibytes << 10 }
      if words[0] == "Private_Dirty:" { use.privateBytes = kibibytes << 10 }
    }
    // Listing the folder takes a descriptor of its own, each time.
    use.descriptors = names("/proc/self/fd").count
    let tasks = names("/proc/self/task")
    use.threads = tasks.count
    use.workers = tasks.count { lines("/proc/self/task/\($0)/comm").first?.hasPrefix("heed-") == true }
    return use
  }

  private static func lines(_ path: String) -> [Substring] { ((try? FileBytes.readText(path)) ?? "").split(separator: "\n") }
  private static func names(_ path: String) -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
}

/// The processor time that this process has used, in seconds.
func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

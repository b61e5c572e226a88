import HeedIR
import HeedSystem
import Testing

/// What memory is left, by the machine, by control groups and by the limit of addresses.
@Suite struct AvailableMemoryTests {
  private let gibibyte = 1 << 30
  private let machine = ["/proc/meminfo": "MemTotal:       8388608 kB\nMemFree: 1 kB\nMemAvailable:    4194304 kB\n"]

  private func left(_ files: [String: String]) -> Int? {
    AvailableMemory.byteCount { files[$0] ?? machine[$0] }
  }

  @Test func theMachine() {
    #expect(left([:]) == 4 * gibibyte)
    #expect(AvailableMemory.byteCount { _ in nil } == nil)
    #expect(AvailableMemory.byteCount { _ in "nonsense\n0::\nMemAvailable: x\n" } == nil)
  }

  /// Version 2: what the group and those above it use, without pages of files that can be had back.
  @Test func controlGroups() {
    let files = [
      "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "max\n", "/sys/fs/cgroup/a/b/memory.current": "5\n",
      "/sys/fs/cgroup/a/memory.max": "\(2 * gibibyte)\n", "/sys/fs/cgroup/a/memory.current": "\(gibibyte)\n",
    ]
    #expect(left(files) == gibibyte)
    #expect(left(files.merging(["/sys/fs/cgroup/a/memory.stat": "anon 7\ninactive_file 4096\n"]) { $1 }) == gibibyte + 4096)
    #expect(left(files.merging(["/sys/fs/cgroup/a/memory.current": "\(3 * gibibyte)\n"]) { $1 }) == 0)
    #expect(left(files.merging(["/sys/fs/cgroup/a/b/memory.max": "105\n"]) { $1 }) == 100)
  }

  /// Version 1, where no limit is a very large one.
  @Test func controlGroupsOfTheFirstKind() {
    let folder = "/sys/fs/cgroup/memory/docker"
    var files = [
      "/proc/self/cgroup": "4:memory:/docker\n3:cpu:/else\n", folder + "/memory.limit_in_bytes": "9223372036854771712\n",
      folder + "/memory.usage_in_bytes": "\(gibibyte)\n",
    ]
    #expect(left(files) == 4 * gibibyte)
    files[folder + "/memory.limit_in_bytes"] = "\(2 * gibibyte)\n"
    files[folder + "/memory.stat"] = "inactive_file 1\ntotal_inactive_file 8192\n"
    #expect(left(files) == gibibyte + 8192)
  }

  @Test func addresses() {
    let status = "Name: heed\nVmPeak: 9 kB\nVmSize:\t 1048576 kB\n"
    func limits(_ soft: String) -> [String: String] {
      [
        "/proc/self/status": status,
        "/proc/self/limits": "Max cpu time  unlimited  unlimited  seconds\nMax address space  \(soft)  unlimited  bytes\n",
      ]
    }
    #expect(left(limits("unlimited")) == 4 * gibibyte)
    #expect(left(limits("\(3 * gibibyte)")) == 2 * gibibyte)
    #expect(left(limits("1")) == 0)
  }

  @Test func memoryThatIsNotThere() throws {
    try AvailableMemory.check(1 << 20, for: "a test")
    #expect(throws: HeedError.self) { try AvailableMemory.check(1 << 60, for: "a test") }
  }
}

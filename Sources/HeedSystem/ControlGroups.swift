/// The control groups of Linux, which limit what this process may use.
package enum ControlGroups {
  /// A control group: the folder of its files, and whether these are those of version 2.
  package struct Group: Hashable, Sendable {
    package let folder: String
    package let isUnified: Bool
  }

  /// The groups whose limits hold for this process: its own and all above it.
  /// - Parameters:
  ///   - controller: what is limited, as version 1 calls it: `cpu`, `memory`.
  ///   - read: returns the contents of a file, or nil.
  package static func limiting(_ controller: String, read: (_ path: String) -> String?) -> [Group] {
    var groups: [Group] = []
    for line in (read("/proc/self/cgroup") ?? "").split(separator: "\n") {
      // Lines are `0::/path` (version 2) or `4:cpu,cpuacct:/path` (version 1).
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let isUnified = fields[1].isEmpty
      guard isUnified || fields[1].split(separator: ",").contains(controller[...]) else { continue }
      // In a container the path may name a folder that only the host sees; its own group is then the root.
      var path = fields[2].split(separator: "/")
      while true {
        let folder = (["/sys/fs/cgroup"] + (isUnified ? [] : [controller[...]]) + path).joined(separator: "/")
        groups.append(Group(folder: folder, isUnified: isUnified))
        if path.popLast() == nil { break }
      }
    }
    return groups
  }
}

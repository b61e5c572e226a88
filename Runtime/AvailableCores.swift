internal import CHeedPool
internal import Foundation
internal import HeedSystem

/// How many cores this process may keep busy.
package enum AvailableCores {
  /// The cores of the calling thread's affinity, or fewer where a control group grants less processor time. At least 1.
  package static func count() -> Int {
    let quota = quota { try? String(contentsOfFile: $0, encoding: .utf8) }
    return min(Int(heed_affinity_cores()), quota ?? Int.max)
  }

  /// The processor time that the control groups of this process grant, in cores, rounded up; nil where they set no limit.
  /// - Parameter read: returns the contents of a file, or nil.
  package static func quota(read: (_ path: String) -> String?) -> Int? {
    ControlGroups.limiting("cpu", read: read).compactMap { group in
      group.isUnified ? unifiedQuota(group.folder, read) : legacyQuota(group.folder, read)
    }.min()
  }

  /// `cpu.max` holds the quota, or `max`, and the period.
  private static func unifiedQuota(_ folder: String, _ read: (String) -> String?) -> Int? {
    let words = (read(folder + "/cpu.max") ?? "").split(whereSeparator: \.isWhitespace)
    return words.count == 2 ? cores(words[0], words[1]) : nil
  }

  /// One file for the quota, -1 for none, and one for the period.
  private static func legacyQuota(_ folder: String, _ read: (String) -> String?) -> Int? {
    guard let quota = read(folder + "/cpu.cfs_quota_us"), let period = read(folder + "/cpu.cfs_period_us") else { return nil }
    return cores(
      quota.trimmingCharacters(in: .whitespacesAndNewlines)[...], period.trimmingCharacters(in: .whitespacesAndNewlines)[...])
  }

  private static func cores(_ quota: Substring, _ period: Substring) -> Int? {
    guard let quota = Double(quota), let period = Double(period), quota > 0, period > 0 else { return nil }
    return Int(min((quota / period).rounded(.up), 1e6))
  }
}

import Heed

/// The machine that a measurement is of.
enum MachineReport {
  /// On one line.
  static func line(_ target: Target) -> String {
    let caches = target.caches
    let sizes = [caches.level1, caches.level2, caches.level3].map { "\($0 >> 10)" }.joined(separator: ", ")
    return "\(Host.processorName), \(AvailableCores.count()) cores, caches of \(sizes) KiB, target \(target.name)"
  }

  static func json(_ target: Target) -> JSON {
    let features =
      ["\(target.vectorBits)-bit vectors", "\(target.vectorRegisterCount) registers"]
      + Target.Feature.allCases.filter(target.has).map(\.rawValue)
    return .object([
      "cpu": .string(Host.processorName), "cores": JSON(AvailableCores.count()), "target": .string(target.name),
      "features": .array(features.map(JSON.string)),
      "cache_bytes": .array([target.caches.level1, target.caches.level2, target.caches.level3].map { JSON($0) }),
    ])
  }
}

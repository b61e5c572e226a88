public import HeedIR

/// Which target this machine is, and whose code it runs.
extension Target {
  /// The best target that runs on this machine, with the machine's own cache sizes.
  public static let host: Target = {
    var target = all.last { $0.runsOnHost } ?? (Host.architecture == .aarch64 ? .aarch64NEON : .x86SSE2)
    target.caches = Host.caches
    return target
  }()

  /// Whether this is the machine's own target, of any cache sizes.
  public var isHost: Bool { name == Target.host.name }

  /// Whether the machine that this process runs on can run the target's code.
  public var runsOnHost: Bool { Host.architecture == architecture && requiredFlags.isSubset(of: Host.flags) }

  /// The target that a user asks for by `name`. The machine's own, which is also called `host`, comes with the machine's cache sizes.
  /// - Throws: where there is none of that name; the error lists the names.
  public static func requested(_ name: String) throws -> Target {
    if name == "host" || name == Target.host.name { return .host }
    if let target = all.first(where: { $0.name == name }) { return target }
    throw HeedError("got target '\(name)', expected one of host, \(all.map(\.name).joined(separator: ", "))")
  }
}

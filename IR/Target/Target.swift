/// A processor that code is generated for: its instruction set, its vectors and its caches.
///
/// Two targets of one name differ at most in their cache sizes. Tile choice reads the sizes; the code of a given kernel depends on
/// the instruction set alone.
public struct Target: Hashable, Sendable {
  /// The name in text and on the command line: `x86-64-avx512`.
  public let name: String
  /// LLVM's target triple.
  public let triple: String
  /// LLVM's name of the processor.
  public let cpu: String
  /// Features beyond the processor's own, in LLVM's form: `+avx512bf16,-prefer-256-bit`.
  public let features: String
  /// The width of a vector register, bits.
  public let vectorBits: Int
  /// The number of vector registers.
  public let vectorRegisterCount: Int
  /// Whether a multiply and an add that are written as fused run as one instruction, rounded once. Where false they run as two,
  /// rounded twice.
  public let hasFMA: Bool
  /// Whether one instruction rounds a vector of floats to whole numbers.
  public let hasRounding: Bool
  /// Whether vector loads and stores can leave lanes out at no cost.
  public let hasMaskedAccess: Bool
  /// Whether products of pairs of bf16 are summed into f32 by one instruction.
  public let hasBFloat16Products: Bool
  /// The sizes of the data caches that one core sees.
  public var caches: CacheSizes

  /// The flags of /proc/cpuinfo that this target's code needs.
  let requiredFlags: Set<String>

  /// Bytes of the data caches that one core sees, the third level shared.
  public struct CacheSizes: Hashable, Sendable {
    public var level1: Int
    public var level2: Int
    public var level3: Int

    public init(level1: Int, level2: Int, level3: Int) {
      (self.level1, self.level2, self.level3) = (level1, level2, level3)
    }

    /// A small current core: what a target has when it is not the host.
    public static let typical = CacheSizes(level1: 32 << 10, level2: 1 << 20, level3: 16 << 20)
  }

  /// The number of elements of `type` that a vector register holds.
  public func lanes(of type: ElementType) -> Int { vectorBits / 8 / type.byteCount }

  /// Whether the machine that this process runs on can run the target's code.
  public var runsOnHost: Bool { Host.architecture == architecture && requiredFlags.isSubset(of: Host.flags) }

  /// The first part of the triple: `x86_64` or `aarch64`.
  var architecture: Substring { triple.prefix { $0 != "-" } }

  /// The target called `name`; `host` means the machine that this process runs on.
  /// - Throws: where there is none of that name; the error lists the names.
  public static func named(_ name: String) throws -> Target {
    if name == "host" || name == Target.host.name { return .host }
    if let target = all.first(where: { $0.name == name }) { return target }
    throw HeedError("got target '\(name)', expected one of host, \(all.map(\.name).joined(separator: ", "))")
  }

  /// The best target that runs on this machine, with the machine's own cache sizes.
  public static let host: Target = {
    var target = all.last { $0.runsOnHost } ?? (Host.architecture == "aarch64" ? .aarch64NEON : .x86SSE2)
    target.caches = Host.caches
    return target
  }()
}

extension Target: CustomStringConvertible {
  public var description: String { name }
}

/// A processor that code is generated for: its instruction set, its vectors and its caches.
///
/// Two targets of one name differ at most in their cache sizes. Tile choice reads the sizes. The code of a given kernel depends on
/// the instruction set alone.
public struct Target: Hashable, Sendable {
  /// The name in text and on the command line: `x86-64-avx512`.
  public let name: String
  /// The family of processors.
  public let architecture: Architecture
  /// LLVM's name of the processor.
  public let cpu: String
  /// Changes to the features that LLVM assumes of the processor, in LLVM's form: `+avx512bf16,-prefer-256-bit`.
  public let llvmFeatures: String
  /// The width of a vector register, bits.
  public let vectorBits: Int
  /// The number of vector registers.
  public let vectorRegisterCount: Int
  /// The instructions that it has beyond those that every processor has.
  public let features: Set<Feature>
  /// The sizes of the data caches that one core sees.
  public var caches: CacheSizes
  /// What Linux calls the instructions that the code may use, in /proc/cpuinfo: a machine that has them all runs the code.
  package let requiredFlags: Set<String>

  /// A family of processors, by the first part of LLVM's target triples.
  public enum Architecture: String, Hashable, Sendable {
    /// 64-bit ARM.
    case aarch64
    /// 64-bit x86.
    case x86 = "x86_64"
  }

  /// Bytes of the data caches that one core sees, the third level shared.
  public struct CacheSizes: Hashable, Sendable {
    /// Bytes of the first level.
    public var level1: Int
    /// Bytes of the second level.
    public var level2: Int
    /// Bytes of the third level.
    public var level3: Int

    /// The sizes of the three levels, bytes.
    public init(level1: Int, level2: Int, level3: Int) {
      (self.level1, self.level2, self.level3) = (level1, level2, level3)
    }

    /// A small current core: what a target has when it is not the host.
    public static let typical = CacheSizes(level1: 32 << 10, level2: 1 << 20, level3: 16 << 20)
  }

  /// LLVM's target triple.
  public var triple: String { "\(architecture.rawValue)-unknown-linux-gnu" }

  /// Whether the processor has the instructions of a feature.
  public func has(_ feature: Feature) -> Bool { features.contains(feature) }

  /// The number of elements of `type` that a vector register holds.
  public func lanes(of type: ElementType) -> Int { lanes(ofByteCount: type.byteCount) }

  /// The number of elements of `byteCount` bytes that a vector register holds.
  public func lanes(ofByteCount byteCount: Int) -> Int { vectorBits / 8 / byteCount }
}

extension Target: CustomStringConvertible {
  /// The name.
  public var description: String { name }
}

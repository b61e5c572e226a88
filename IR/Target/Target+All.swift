extension Target {
  /// Every target, of one architecture from the least to the most able.
  public static let all: [Target] = [.aarch64NEON, .x86SSE2, .x86AVX2, .x86AVX512, .x86AVX512BF16]

  /// The target called `name`.
  /// - Throws: where there is none of that name; the error lists the names.
  public static func named(_ name: String) throws -> Target {
    if let target = all.first(where: { $0.name == name }) { return target }
    throw HeedError("got the target '\(name)', expected one of \(all.map(\.name).joined(separator: ", "))")
  }

  /// Any 64-bit x86 processor: SSE2.
  public static let x86SSE2 = Target(
    name: "x86-64", architecture: .x86, cpu: "x86-64", llvmFeatures: "",
    vectorBits: 128, vectorRegisterCount: 16, features: [], caches: .typical, requiredFlags: ["sse2"])

  /// AVX2, FMA and what came with them (x86-64-v3).
  public static let x86AVX2 = Target(
    name: "x86-64-avx2", architecture: .x86, cpu: "x86-64-v3", llvmFeatures: "",
    vectorBits: 256, vectorRegisterCount: 16, features: [.fma, .rounding], caches: .typical,
    requiredFlags: ["avx2", "fma", "bmi1", "bmi2", "f16c", "movbe"])

  /// The AVX-512 subsets F, BW, CD, DQ and VL (x86-64-v4).
  public static let x86AVX512 = Target(
    name: "x86-64-avx512", architecture: .x86, cpu: "x86-64-v4", llvmFeatures: "-prefer-256-bit",
    vectorBits: 512, vectorRegisterCount: 32, features: x86AVX2.features.union([.maskedAccess, .powerScaling]), caches: .typical,
    requiredFlags: x86AVX2.requiredFlags.union(["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]))

  /// AVX-512 with products of pairs of bf16.
  public static let x86AVX512BF16 = Target(
    name: "x86-64-avx512-bf16", architecture: .x86, cpu: "x86-64-v4", llvmFeatures: "-prefer-256-bit,+avx512bf16",
    vectorBits: 512, vectorRegisterCount: 32, features: x86AVX512.features.union([.bfloat16Products]), caches: .typical,
    requiredFlags: x86AVX512.requiredFlags.union(["avx512_bf16"]))

  /// Any 64-bit ARM processor: NEON.
  public static let aarch64NEON = Target(
    name: "aarch64-neon", architecture: .aarch64, cpu: "generic", llvmFeatures: "+neon",
    vectorBits: 128, vectorRegisterCount: 32, features: [.fma, .rounding], caches: .typical, requiredFlags: [])
}

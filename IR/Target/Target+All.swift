extension Target {
  /// Every target, of one architecture from the least to the most able.
  public static let all: [Target] = [.aarch64NEON, .x86SSE2, .x86AVX2, .x86AVX512, .x86AVX512BF16]

  /// Any 64-bit x86 processor: SSE2.
  public static let x86SSE2 = Target(
    name: "x86-64", triple: "x86_64-unknown-linux-gnu", cpu: "x86-64", features: "",
    vectorBits: 128, vectorRegisterCount: 16, hasFMA: false, hasRounding: false, hasMaskedAccess: false,
    hasBFloat16Products: false, caches: .typical, requiredFlags: ["sse2"])

  /// AVX2, FMA and what came with them (x86-64-v3).
  public static let x86AVX2 = Target(
    name: "x86-64-avx2", triple: "x86_64-unknown-linux-gnu", cpu: "x86-64-v3", features: "",
    vectorBits: 256, vectorRegisterCount: 16, hasFMA: true, hasRounding: true, hasMaskedAccess: false,
    hasBFloat16Products: false, caches: .typical, requiredFlags: ["avx2", "fma", "bmi1", "bmi2", "f16c", "movbe"])

  /// The AVX-512 subsets F, BW, CD, DQ and VL (x86-64-v4).
  public static let x86AVX512 = Target(
    name: "x86-64-avx512", triple: "x86_64-unknown-linux-gnu", cpu: "x86-64-v4", features: "-prefer-256-bit",
    vectorBits: 512, vectorRegisterCount: 32, hasFMA: true, hasRounding: true, hasMaskedAccess: true,
    hasBFloat16Products: false, caches: .typical,
    requiredFlags: x86AVX2.requiredFlags.union(["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]))

  /// AVX-512 with products of pairs of bf16.
  public static let x86AVX512BF16 = Target(
    name: "x86-64-avx512-bf16", triple: "x86_64-unknown-linux-gnu", cpu: "x86-64-v4", features: "-prefer-256-bit,+avx512bf16",
    vectorBits: 512, vectorRegisterCount: 32, hasFMA: true, hasRounding: true, hasMaskedAccess: true,
    hasBFloat16Products: true, caches: .typical,
    requiredFlags: x86AVX512.requiredFlags.union(["avx512_bf16"]))

  /// Any 64-bit ARM processor: NEON.
  public static let aarch64NEON = Target(
    name: "aarch64-neon", triple: "aarch64-unknown-linux-gnu", cpu: "generic", features: "+neon",
    vectorBits: 128, vectorRegisterCount: 32, hasFMA: true, hasRounding: true, hasMaskedAccess: false,
    hasBFloat16Products: false, caches: .typical, requiredFlags: [])
}

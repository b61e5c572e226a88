import HeedCodegen
import HeedIR
import Testing

@Suite struct InstructionSetTests {
  @Test func targetsHaveTheInstructionSetsOfTheirFeatures() {
    func names(_ target: Target) -> [String] { InstructionSet.of(target).map(\.name) }
    #expect(names(.x86SSE2) == [])
    #expect(names(.x86AVX2) == ["fma", "rounding"])
    #expect(names(.aarch64NEON) == ["fma", "rounding"])
    #expect(names(.x86AVX512) == ["fma", "rounding", "avx512"])
    #expect(names(.x86AVX512BF16) == ["fma", "rounding", "avx512", "avx512-bf16"])
  }

  @Test func namesDiffer() {
    #expect(Set(InstructionSet.all.map(\.name)).count == InstructionSet.all.count)
  }

  @Test(arguments: InstructionSet.all.map(\.name)) func someTargetHasIt(_ name: String) {
    #expect(Target.all.contains { InstructionSet.of($0).contains { $0.name == name } })
  }

  /// What each target's code has for an operation, and what no other target's may have.
  private static let instructions: [(operation: String, feature: Target.Feature, intrinsic: String)] = [
    ("fused_multiply_add", .fma, "llvm.fma."), ("round", .rounding, "llvm.roundeven."), ("floor", .rounding, "llvm.floor."),
    ("exp2", .powerScaling, "llvm.x86.avx512.mask.scalef.ps.512"), ("products", .bfloat16Products, "dpbf16ps.512"),
    ("convert", .bfloat16Products, "fptrunc"),
  ]

  /// Kernels for every operation that instruction sets replace.
  private static let kernels = """
    kernel @elements(input %x: f32[N], output %fused_multiply_add: f32[N], output %round: f32[N], output %floor: f32[N],
        output %exp2: f32[N], output %convert: bf16[N]) {
      phase @run (%t : 1) {
        map (%i : N) {
          %a = load %x[%i]
          %b = fused_multiply_add %a, %a, %a
          store %b, %fused_multiply_add[%i]
          %c = round %a
          store %c, %round[%i]
          %d = floor %a
          store %d, %floor[%i]
          %e = exp2 %a
          store %e, %exp2[%i]
          store %a, %convert[%i]
        }
      }
    }
    kernel @products(
        input %x: bf16[8, K, 2] strides [2, 0, 1], input %y: bf16[K, 32, 2] strides [0, 2, 1], output %z: f32[8, 32]) {
      phase @run (%t : 1) {
        contract (%r : 8) x (%c : 32) over (%k : K, %u : 2) %x[%r, %k, %u] * %y[%k, %c, %u] as %sum : f32 {
          store %sum, %z[%r, %c]
        }
      }
    }
    """

  /// Every operation can be emitted for every target, by the instruction where the target has its feature and only there.
  @Test(arguments: Target.all) func operationsAreEmitted(for target: Target) throws {
    let kernels = try Kernel.parse(Self.kernels).map { try Verified($0) }
    let text = try KernelCompiler(target: target).llvmText(for: kernels)
    for (operation, feature, intrinsic) in Self.instructions {
      #expect(text.contains(intrinsic) == target.has(feature), "\(operation) for \(target)")
    }
  }
}

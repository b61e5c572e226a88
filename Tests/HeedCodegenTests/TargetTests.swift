import HeedIR
import Testing

@Suite struct TargetTests {
  @Test func lanesFillTheVector() {
    #expect(Target.x86AVX512.lanes(of: .f32) == 16)
    #expect(Target.x86AVX2.lanes(of: .f64) == 4)
    #expect(Target.aarch64NEON.lanes(of: .bf16) == 8)
  }

  @Test func targetsAreFoundByName() throws {
    for target in Target.all { #expect(try Target.named(target.name).name == target.name) }
    #expect(try Target.named("host") == Target.host)
    let error = #expect(throws: HeedError.self) { try Target.named("pdp-11") }
    #expect(error?.message.contains("x86-64-avx2") == true)
  }

  @Test func hostRunsItsOwnTarget() {
    #expect(Target.host.runsOnHost)
    #expect(Target.host.caches.level1 >= 1 << 10 && Target.host.caches.level1 <= Target.host.caches.level2)
  }

  @Test func sizesAreReadWithTheirUnits() {
    #expect(Host.byteCount("48K") == 48 << 10)
    #expect(Host.byteCount("1M") == 1 << 20)
    #expect(Host.byteCount("512") == 512)
    #expect(Host.byteCount("many") == nil)
  }
}

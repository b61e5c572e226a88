import HeedIR
import Testing

@Suite struct TargetTests {
  @Test func lanesFillTheVector() {
    #expect(Target.x86AVX512.lanes(of: .f32) == 16)
    #expect(Target.x86AVX2.lanes(of: .f64) == 4)
    #expect(Target.aarch64NEON.lanes(of: .bf16) == 8)
    #expect(Target.x86SSE2.lanes(ofByteCount: 8) == 2)
  }

  @Test func targetsAreFoundByName() throws {
    for target in Target.all { #expect(try Target.named(target.name) == target) }
    let error = #expect(throws: HeedError.self) { try Target.named("pdp-11") }
    #expect(error?.message.contains("x86-64-avx2") == true)
  }

  @Test(arguments: Target.Feature.allCases) func aFeatureIsFoundByItsName(_ feature: Target.Feature) {
    #expect(Target.Feature(rawValue: "\(feature)") == feature)
  }

  /// Each feature decides something for some target and nothing for another.
  @Test(arguments: Target.Feature.allCases) func aFeatureTellsTargetsApart(_ feature: Target.Feature) {
    #expect(Target.all.contains { $0.has(feature) })
    #expect(Target.all.contains { !$0.has(feature) })
  }

  /// A list of targets goes from the least to the most able of an architecture: each has what those before it have.
  @Test func laterTargetsHaveWhatEarlierOnesHave() {
    for (position, target) in Target.all.enumerated() {
      for earlier in Target.all[..<position] where earlier.architecture == target.architecture {
        #expect(earlier.features.isSubset(of: target.features), "\(earlier), \(target)")
        #expect(earlier.vectorBits <= target.vectorBits, "\(earlier), \(target)")
      }
    }
  }

  @Test func triplesBeginWithTheArchitecture() {
    #expect(Target.x86AVX2.triple == "x86_64-unknown-linux-gnu")
    #expect(Target.aarch64NEON.triple == "aarch64-unknown-linux-gnu")
  }
}

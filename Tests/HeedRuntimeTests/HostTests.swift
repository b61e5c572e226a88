import HeedIR
import HeedRuntime
import Testing

@Suite struct HostTests {
  @Test func targetsAreFoundByName() throws {
    for target in Target.all { #expect(try Target.requested(target.name).name == target.name) }
    #expect(try Target.requested("host") == Target.host)
    #expect(try Target.requested(Target.host.name) == Target.host)
    let error = #expect(throws: HeedError.self) { try Target.requested("pdp-11") }
    #expect(error?.message.hasPrefix("got target 'pdp-11', expected one of host, aarch64-neon, x86-64, ") == true)
  }

  @Test func hostRunsItsOwnTarget() {
    #expect(Target.host.runsOnHost)
    #expect(Target.host.caches.level1 >= 1 << 10 && Target.host.caches.level1 <= Target.host.caches.level2)
    #expect(!Host.processorName.isEmpty)
  }

  @Test func oneTargetIsTheHosts() {
    #expect(Target.all.filter(\.isHost).map(\.name) == [Target.host.name])
  }

  @Test func otherArchitecturesDoNotRun() {
    for target in Target.all where target.architecture != Target.host.architecture { #expect(!target.runsOnHost, "\(target)") }
  }

  @Test func sizesAreReadWithTheirUnits() {
    #expect(Host.byteCount("48K") == 48 << 10)
    #expect(Host.byteCount("1M") == 1 << 20)
    #expect(Host.byteCount("512") == 512)
    #expect(Host.byteCount("many") == nil)
  }
}

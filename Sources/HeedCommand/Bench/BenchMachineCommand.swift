import ArgumentParser
import Heed
import OrderedCollections

/// `heed bench machine`: the limits that all other measurements are compared with.
struct BenchMachineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "machine", abstract: "Measures the multiply-add peak and the read bandwidth of one thread.")

  @OptionGroup var target: TargetOption
  @Flag(help: "Print one JSON object.") var json = false

  func run() throws {
    let target = try target.value()
    let elements: [ElementType] = [.f64, .f32, .bf16]
    let peaks = try elements.map { try RateProbe($0, target: target).peakFlops(rounds: 200) / 1e9 }
    let probe = try RateProbe(.f32, target: target)
    let sizes = [target.caches.level2 / 2, target.caches.level3 / 2, 4 * target.caches.level3].map { max($0, 64 << 10) & ~255 }
    let rates = try sizes.map { try probe.readRate(over: [NDArray(zeros: .u8, [$0])]) / 1e9 }
    if json {
      let object = JSON.object([
        "peak_gflops": .object(OrderedDictionary(uniqueKeysWithValues: zip(elements.map(\.name), peaks.map { JSON($0) }))),
        "read_gbytes": .object(OrderedDictionary(zip(sizes.map { "\($0)" }, rates.map { JSON($0) })) { $1 }),
        "machine": MachineReport.json(target),
      ])
      return try printLine(object.text)
    }
    try printLine(MachineReport.line(target))
    for (element, peak) in zip(elements, peaks) {
      try printLine("\(padded(element.name, 6))\(padded(fixed(peak, 1), 8, left: true)) GFLOP/s")
    }
    for (size, rate) in zip(sizes, rates) { try printLine("reading \(size >> 10) KiB: \(fixed(rate, 1)) GB/s") }
  }
}

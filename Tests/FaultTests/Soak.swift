import CHeedMemory
import Foundation
import Heed
import HeedTestSupport

/// A process that works for a long time: calls of changing lengths, steps of training, embeddings, compilations, and a cache that is filled,
/// evicted and removed. From time to time it looks at what it holds and how fast it is.
struct Soak {
  /// What one look saw.
  struct Sample {
    var minutes: Double
    var use: ProcessUse
    /// The least processor time of a fixed piece of work since the look before.
    var probeSeconds: Double
  }

  private let folder: String
  private let cache: ObjectCache
  private let embedder: SentenceEmbedder
  private let attention: CompiledGraph
  private let step: (program: CompiledGraph, kind: ProgramCase)
  private var trained: [String: NDArray]
  /// What is timed, on one thread.
  private let probe: (program: CompiledGraph, kind: ProgramCase)
  /// Programs that are compiled again and again, each by another number of heads and width.
  private let forms = (1...12).map { (heads: 1 + $0 % 4, width: 8 * (1 + $0 / 4)) }
  private var random = SeededGenerator(seed: 1)
  private(set) var samples: [Sample] = []
  private(set) var rounds = 0

  /// - Parameter model: the folder of an encoder, which the soak's cache is put into.
  init(model: String) throws {
    folder = model + "/soak"
    cache = ObjectCache(directory: folder, byteLimit: 300_000, log: { _ in })
    let options = CompileOptions(threads: 2, cache: cache)
    embedder = try SentenceEmbedder(model: model, options: options)
    let short = try ProgramCase.attention(length: 1)
    attention = try short.loaded(options)
    let kind = try ProgramCase.step()
    step = (try kind.loaded(options), kind)
    trained = kind.states
    let fixed = try ProgramCase.attention(length: 300)
    probe = (try fixed.loaded(CompileOptions(threads: 1, cache: cache)), fixed)
  }

  /// Works for so long and looks every so many minutes; `report` is told of each look.
  mutating func run(minutes: Double, every interval: Double, report: (Sample) -> Void) throws {
    let clock = ContinuousClock()
    let start = clock.now
    func passed() -> Double { (clock.now - start) / .seconds(60) }
    var best = Double.infinity
    while passed() < minutes {
      try work()
      best = min(best, try probeTime())
      guard passed() >= Double(samples.count + 1) * interval else { continue }
      add(Sample(minutes: passed(), use: .now, probeSeconds: best))
      report(samples.last!)
      best = .infinity
    }
  }

  /// Works for so many rounds and looks after each, so that a busy machine makes no difference.
  mutating func run(rounds count: Int) throws {
    for _ in 0..<count {
      try work()
      add(Sample(minutes: 0, use: .now, probeSeconds: try probeTime()))
    }
  }

  /// Adds what a look saw.
  mutating func add(_ sample: Sample) { samples.append(sample) }

  /// One round of everything.
  private mutating func work() throws {
    rounds += 1
    for _ in 0..<20 {
      let length = Int.random(in: 0...400, using: &random)
      let arrays = ["q", "k", "v"].map { ($0, NDArray.random([2, length, 16], seed: length)) }
      let out: NDArray = try attention(Dictionary(uniqueKeysWithValues: arrays))
      guard out.shape == [2, length, 16], try out.floats().allSatisfy(\.isFinite) else { throw HeedError("a wrong result") }
    }
    for _ in 0..<5 { _ = try step.program.run(step.kind.inputs.map { ($0.key, $0.value) }, states: &trained) }
    let words = ["a", "b", "c", "d"]
    let texts = (0..<Int.random(in: 1...64, using: &random)).map { _ in
      (0..<Int.random(in: 0...12, using: &random)).map { _ in words.randomElement(using: &random)! }.joined(separator: " ")
    }
    guard try embedder.embed(texts, tokenLimit: 100).count == texts.count else { throw HeedError("a vector is missing") }
    try compile(forms[rounds % forms.count])
    // What two processes do to a cache: entries go, and the folder does.
    cache.evict()
    if rounds % 40 == 0 { try? FileManager.default.removeItem(atPath: folder) }
  }

  private func compile(_ form: (heads: Int, width: Int)) throws {
    let graph = Graph("form") { g in
      let x = g.input("x", .f32, [Extent(form.heads), "S", Extent(form.width)])
      let scores = matmul(x, x.transposed())
      return matmul(softmax(scores.where(scores.index(2) <= scores.index(1), else: -.infinity)), x)
    }
    let program = try graph.compile(CompileOptions(threads: 3, cache: cache))
    let _: NDArray = try program(["x": NDArray.random([form.heads, 33, form.width], seed: 1)])
  }

  private func probeTime() throws -> Double {
    let start = processorSeconds()
    for _ in 0..<10 { _ = try probe.kind.call(probe.program) }
    return processorSeconds() - start
  }

  /// What grew from the end of the first quarter to the end, one line each; none where all is flat.
  ///
  /// The second quarter's samples are compared with the last one's: medians of memory, the least of descriptors and blocks, since some are
  /// held for a moment, and the least of times, which what else the machine does can only make longer.
  /// - Parameters:
  ///   - memory: by which part memory may grow.
  ///   - time: by which part the fixed piece of work may take longer.
  func drift(memory: Double, time: Double) -> [String] {
    let quarter = samples.count / 4
    guard quarter > 0 else { return ["got \(samples.count) looks, expected at least 4"] }
    let (early, late) = (samples[quarter..<2 * quarter], samples.suffix(quarter))
    var found: [String] = []
    func compare(_ what: String, _ bound: Double, _ value: (ArraySlice<Sample>) -> Double) {
      let (first, last) = (value(early), value(late))
      if last > first * (1 + bound) { found.append("\(what): \(first), then \(last)") }
    }
    func median(_ values: [Int]) -> Double { Double(values.sorted()[values.count / 2]) }
    compare("resident memory", memory) { median($0.map(\.use.resident)) }
    compare("private memory", memory) { median($0.map(\.use.privateBytes)) }
    compare("blocks of memory", 0) { Double($0.map(\.use.blocks).min()!) }
    compare("descriptors", 0) { Double($0.map(\.use.descriptors).min()!) }
    compare("threads", 0) { Double($0.map(\.use.threads).min()!) }
    compare("processor time of a fixed piece of work", time) { $0.map(\.probeSeconds).min()! }
    return found
  }
}

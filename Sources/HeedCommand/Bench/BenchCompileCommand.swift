import ArgumentParser
import Foundation
import Heed
import OrderedCollections

/// `heed bench compile`: how long it takes from a graph to a program that can be called.
struct BenchCompileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile",
    abstract: "Measures compilation in this process: the first time and again, the passes, the lowering and the code.",
    discussion: """
      Of a graph in a file, of the encoder of a model, or else of causal attention. The object cache is not used unless --cached is \
      given: then the kernels come from it, all of them from the second run of the command on.
      """)

  @ArgumentParser.Argument(help: "A file with one graph as text.") var file: String?
  @Option(help: "A folder with an encoder, in place of a file.") var model: String?
  @Flag(help: "Use the object cache.") var cached = false
  @OptionGroup var dtype: ElementOption
  @OptionGroup var target: TargetOption
  @Option(help: "For how long compilation is repeated.") var seconds = 1.0
  @Flag(help: "Print one JSON object.") var json = false

  func validate() throws {
    guard file == nil || model == nil else { throw ValidationError("a file and --model exclude each other") }
    guard seconds >= 0, seconds <= 3600 else { throw ValidationError("got --seconds \(seconds), expected 0 to 3600") }
  }

  func run() throws {
    let options = CompileOptions(target: try target.value(), cache: cached ? nil : ObjectCache(directory: nil))
    let graph = try self.graph()
    try options.target.expectHost()
    var program: CompiledGraph?
    var runs: [Stages] = []
    func compile() throws {
      let clock = ContinuousClock()
      let start = clock.now
      let lowered = try graph.lowered(options)
      let middle = clock.now
      program = try lowered.compile(options)
      runs.append(
        Stages(passes: lowered.passTime, lowering: middle - start - lowered.passTime, code: clock.now - middle))
    }
    try compile()
    let first = runs.removeFirst().all
    let firstProcessor = Self.processorSeconds
    _ = try Stopwatch.times(for: seconds, compile)
    let again = CallTimes(runs.map(\.all))
    let processor = (Self.processorSeconds - firstProcessor) / Double(again.sorted.count)
    let best = runs.min { $0.all < $1.all }!
    var times: OrderedDictionary<String, Double> = [
      "first": first, "best": again.best, "median": again.median, "processor": processor, "passes": best.passes / .seconds(1),
      "lowering": best.lowering / .seconds(1), "code": best.code / .seconds(1),
    ]
    if let model {
      times["start"] = try Stopwatch.times(for: seconds) { _ = try SentenceEmbedder(model: model, options: options) }.min()!
    }
    let counts: OrderedDictionary<String, Int> = [
      "kernels": program!.program.kernels.count, "calls": again.sorted.count, "threads": program!.threadCount,
    ]
    if json {
      var members = OrderedDictionary(uniqueKeysWithValues: times.map { ("\($0.key)_seconds", JSON($0.value)) })
      members.merge(counts.mapValues { JSON($0) }) { $1 }
      members["machine"] = MachineReport.json(options.target)
      try printLine(JSON.object(members).text)
    } else {
      let lines = times.map { ($0.key, shownTime($0.value)) } + counts.map { ($0.key, "\($0.value)") }
      for (key, value) in lines + [("machine", MachineReport.line(options.target))] { try printLine(padded(key, 11) + value) }
    }
  }

  /// How long the stages of one compilation took.
  private struct Stages {
    var passes, lowering, code: Duration

    /// All of it, in seconds.
    var all: Double { (passes + lowering + code) / .seconds(1) }
  }

  /// What this process has taken of its processors so far.
  private static var processorSeconds: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
  }

  private func graph() throws -> Graph {
    if let file {
      let graphs = try Graph.parse(GraphFile.text(file), file: file)
      guard graphs.count == 1 else { throw HeedError("\(file): got \(graphs.count) graphs, expected one") }
      return graphs[0]
    }
    if let model {
      let directory = try ModelDirectory(path: model)
      return try Encoder(directory.configuration, weights: directory.weights()).embeddingGraph()
    }
    return try AttentionProblem(
      batch: 1, heads: 8, keyHeads: 8, queries: 2048, keys: 2048, headSize: 64, valueSize: 64, mask: AttentionMask("causal"),
      element: dtype.value()
    ).graph()
  }
}

import ArgumentParser
import Heed

/// `heed opt`: passes of one's choice.
struct OptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "opt", abstract: "Runs passes on graphs and prints what they make.",
    discussion: "The passes:\n" + GraphPass.all.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))

  @OptionGroup var source: GraphFile
  @OptionGroup var target: TargetOption
  @Option(help: "The passes in order, separated by commas; the standard pipeline unless given.") var passes: String?
  @Option(help: "Print the graph after these passes too, separated by commas, or after 'all'.") var printAfter: String?
  @Flag(help: "Verify the graph after each pass.") var verifyEach = false
  @Flag(help: "Print to standard error how long each pass took.") var timePasses = false
  @Flag(help: "Print the passes' remarks to standard error.") var remarks = false

  func run() throws {
    var pipeline = try passes.map { try PassPipeline(parsing: $0) } ?? PassPipeline()
    pipeline.verifiesEach = verifyEach
    if let printAfter {
      let names = try printAfter == "all" ? nil : printAfter.split(separator: ",").map { try GraphPass.named($0).name }
      pipeline.printAfter = names.map { .passes(Set($0)) } ?? .all
      pipeline.observe = { pass, graph in
        // What fails here fails again at the end. It is written at once, so that it is there whatever the next pass does.
        try? printLine("// after \(pass)\n\(graph.text)\n")
        try? TextOutput.standard.flush()
      }
    }
    var options = try target.compileOptions()
    options.pipeline = pipeline
    for (position, graph) in try source.graphs().enumerated() {
      let outcome = try graph.optimized(options)
      if position > 0 { try printLine() }
      try printLine(outcome.graph.ir.text)
      var notes: [String] = remarks ? outcome.remarks.map(\.description) : []
      if timePasses {
        for timing in outcome.timings {
          notes.append("\(padded(timing.pass, 36)) \(fixed(timing.duration / .milliseconds(1), 3)) ms")
        }
      }
      for note in notes { StandardError.write(note) }
    }
  }
}

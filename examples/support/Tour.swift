// Runs the examples of these folders and judges what they claim: tour list, tour run [NAME ...] [--short], tour show NAME.

import ArgumentParser
import Foundation
import Heed

@main
struct Tour: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ideas about attention as programs that measure their claims.", subcommands: [List.self, Run.self, Show.self],
    defaultSubcommand: List.self)

  /// The examples of these names, or all.
  static func examples(_ names: [String]) throws -> [Example] {
    guard !names.isEmpty else { return Example.all }
    return try names.map { name in
      guard let example = Example.all.first(where: { $0.name == name }) else {
        throw ValidationError("got the example '\(name)', expected one of \(Example.all.map(\.name).joined(separator: ", "))")
      }
      return example
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Prints the examples.")

    func run() {
      let width = Example.all.map(\.name.count).max() ?? 0
      for example in Example.all { print(example.name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + example.idea) }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints the graph of an example as it is written, and what it becomes.")
    @ArgumentParser.Argument(help: "An example.") var name: String

    func run() throws {
      let graph = try Tour.examples([name])[0].graph()
      print("\(graph)\nbecomes\n")
      print(try graph.compile().graph)
    }
  }

  struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Measures the claims of examples.",
      discussion: "The exit status is 1 where a claim that should hold does not, or an example ends with an error.")
    @ArgumentParser.Argument(help: "Examples; all unless given.") var names: [String] = []
    @Flag(help: "Fewer steps and seeds.") var short = false
    @Option(help: "Draw pictures, as SVG and PNG, into this folder.") var pictures: String?
    @Flag(help: "Print the table of claims in Markdown.") var markdown = false

    func run() throws {
      let judgements = Judgement.all(of: try Tour.examples(names), isShort: short, folder: pictures)
      printLine("\n" + table(judgements, markdown: markdown))
      if judgements.contains(where: \.isFailure) { throw ExitCode.failure }
    }
  }
}

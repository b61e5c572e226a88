import Foundation
import Heed
import HeedCodegen
import HeedTestSupport

/// Texts of graphs, kernels and programs, changed at random places: parsed, verified, printed, and graphs optimised, interpreted and
/// lowered.
struct TextFuzzer: Fuzzer {
  static let name = "text"

  /// What is changed: the cases of Tests/Filetests and the graphs of examples/masks.
  private let texts: [String]

  init() throws {
    var texts: [String] = []
    for path in Filetest.allPaths {
      // A case, and what is expected of it, which is often a text of the same kind or of the next.
      for test in try Filetest(path: path).cases { texts += [test.source] + test.sections.map { $0.lines.joined(separator: "\n") } }
    }
    let masks = Filetest.folder.appending(path: "../../examples/masks")
    for file in try FileManager.default.contentsOfDirectory(at: masks, includingPropertiesForKeys: nil).sorted(by: {
      $0.path < $1.path
    })
    where file.pathExtension == "heed" { texts.append(try String(contentsOf: file, encoding: .utf8)) }
    // What is rejected as it is has no way to become something that is not.
    self.texts = texts.filter { text in
      switch Kind(text) {
      case .graph: ((try? Graph.parse(text)) ?? []).isEmpty == false
      case .kernel: ((try? Kernel.parse(text)) ?? []).isEmpty == false
      case .program: (try? Program.parse(text)) != nil
      }
    }
    guard !self.texts.isEmpty else { throw HeedError("got no texts in Tests/Filetests, expected some") }
  }

  /// What a text holds; a program holds kernels.
  private enum Kind {
    case graph, kernel, program

    init(_ text: String) { self = text.contains("program @") ? .program : text.contains("kernel @") ? .kernel : .graph }
  }

  func input(seed: UInt64) throws -> [UInt8] { Array(text(seed: seed).utf8) }

  private func text(seed: UInt64) -> String {
    var numbers = SeededGenerator(seed: seed)
    var text = texts.randomElement(using: &numbers)!
    // Types stand on results, so that most changed texts are rejected; a graph that is changed as one stays well formed.
    if Int.random(in: 0..<4, using: &numbers) > 0, let graph = try? Graph.parse(text).first {
      var mutator = GraphMutator(seed: numbers.next())
      text = mutator.mutated(graph, count: Int.random(in: 1...4, using: &numbers)).text
      if Bool.random(using: &numbers) { return text }
    }
    var mutation = TextMutation(seed: numbers.next(), others: texts)
    return mutation.mutated(text)
  }

  func check(_ input: [UInt8]) throws -> Trial { try check(input, compiling: false) }

  /// - Parameter compiling: whether what can be compiled is compiled, and graphs run.
  func check(_ input: [UInt8], compiling: Bool) throws -> Trial {
    let input = String(decoding: input, as: UTF8.self)
    switch Kind(input) {
    case .graph:
      let trials = try Checks.parsing { try Graph.parse(input) }?.map { try Checks.check($0, compiling: compiling) } ?? []
      return Trial(trials.map(\.stage).max() ?? .rejected, runs: trials.reduce(0) { $0 + $1.runs })
    case .kernel:
      return try check(try Checks.parsing { try Kernel.parse(input) }, text: \.text, parse: Kernel.parse) {
        let kernel = try Verified($0)
        guard compiling else { return .verified }
        _ = try KernelCompiler(target: .host).object(for: [kernel])
        return .lowered
      }
    case .program:
      return try check(try Checks.parsing { try Program.parse(input) }, text: \.text, parse: Program.parse) {
        _ = try Verified($0)
        return .verified
      }
    }
  }

  private func check<IR>(
    _ all: [IR]?, text: (IR) -> String, parse: (String, String) throws -> [IR], further: (IR) throws -> Stage
  ) throws -> Trial {
    guard let all else { return Trial(.rejected) }
    var stage = Stage.parsed
    for ir in all {
      try Checks.expectSame(text(ir)) { try parse($0, "printed").map(text) }
      stage = max(stage, try Checks.rejecting { try further(ir) } ?? .parsed)
    }
    return Trial(stage)
  }
}

/// The same texts through LLVM: kernels compiled, graphs compiled and run between guard pages.
struct CodeFuzzer: Fuzzer {
  static let name = "code"

  private let texts: TextFuzzer

  init() throws { texts = try TextFuzzer() }

  func input(seed: UInt64) throws -> [UInt8] { try texts.input(seed: seed) }

  func check(_ input: [UInt8]) throws -> Trial { try texts.check(input, compiling: true) }
}

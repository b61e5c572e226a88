import Foundation
import Heed
import HeedInterpreter
import HeedPasses
import HeedRuntime
import HeedTestSupport

/// Compiled code against the reference: random graphs of all ops, attention in many spellings and under random masks, and derivatives, in
/// all element types. Each runs at five lengths, for every target that runs here and with three numbers of threads, between guard pages.
/// Results are near those of the reference, and have the same bits for any number of threads.
struct DifferentialFuzzer: Fuzzer {
  static let name = "differential"

  private static let lengthCount = 5
  private static let threadCounts = [1, 2, 3]

  private let pipeline: PassPipeline
  let batch = 50

  init() { self.init(pipeline: PassPipeline()) }

  /// With other passes than the standard ones.
  init(pipeline: PassPipeline) { self.pipeline = pipeline }

  // MARK: Inputs

  func input(seed: UInt64) throws -> [UInt8] { Array(try Self.randomCase(seed).text.utf8) }

  private static func randomCase(_ seed: UInt64) throws -> DifferentialCase {
    var numbers = SeededGenerator(seed: seed)
    var setting = DifferentialCase.Setting(seed: numbers.next(), lengths: [])
    switch Int.random(in: 0..<8, using: &numbers) {
    case 0:
      let predicate = try RandomPredicate(seed: seed, readsTables: true)
      setting.mask = seed
      setting.lengths = (0..<lengthCount).map { _ in
        ["M": Int.random(in: 1...100, using: &numbers), "N": Int.random(in: 1...100, using: &numbers)]
      }
      return DifferentialCase(setting: setting, graph: try predicate.attention(tile: numbers.pick(["", " {tile = [8, 8]}"])))
    case 1:
      // What is computed of derivatives in 16 bits is of no use: a difference of rounding errors.
      let random = try RandomGraph(seed: seed, options: .compiled)
      guard random.graph.isDifferentiable, !random.graph.differentiableArguments.isEmpty,
        !random.graph.differentiableResults.isEmpty
      else { fallthrough }
      return try lengthened(random, setting, graph: random.graph.reverseGraph(), &numbers)
    default:
      let random = try RandomGraph(seed: seed)
      return try lengthened(random, setting, graph: random.graph, &numbers)
    }
  }

  private static func lengthened(
    _ random: RandomGraph, _ setting: DifferentialCase.Setting, graph: Graph, _ numbers: inout SeededGenerator
  ) throws -> DifferentialCase {
    var setting = setting
    setting.lengths = (0..<lengthCount).map { _ in
      Dictionary(uniqueKeysWithValues: random.binding(using: &numbers).map { ($0.text, $1) })
    }
    setting.offsets = Dictionary(uniqueKeysWithValues: random.offsets.map { ($0.text, "\($1)") })
    return DifferentialCase(setting: setting, graph: graph)
  }

  // MARK: Smaller inputs

  /// Whole: a graph without some line is seldom a graph.
  func parts(_ input: [UInt8], _ level: Int) -> [ArraySlice<UInt8>]? { nil }

  func smaller(_ input: [UInt8]) -> [[UInt8]] {
    (DifferentialCase(text: String(decoding: input, as: UTF8.self))?.smaller ?? []).map { Array($0.text.utf8) }
  }

  // MARK: Checks

  func check(_ input: [UInt8]) throws -> Trial {
    guard let test = DifferentialCase(text: String(decoding: input, as: UTF8.self)) else { return Trial(.rejected) }
    let references = try test.bindings.map { try Reference(test, $0) }
    // Code that does not depend on the number of threads is compiled once.
    return try withTemporaryFolder { folder in
      let cache = ObjectCache(directory: folder, log: { _ in })
      var runs = 0
      for target in Target.all where target.runsOnHost {
        var bits: [[[UInt64]]] = []
        for threads in Self.threadCounts {
          var options = CompileOptions(target: target, threads: threads, cache: cache)
          options.pipeline = pipeline
          let program: CompiledGraph
          do { program = try test.graph.compile(options) } catch { throw Finding("does not compile for \(target): \(error)") }
          for (number, reference) in references.enumerated() {
            let outputs = try program.run(test.graph, reference.inputs, guarding: GuardedMemory.allCases[number % 2])
            runs += 1
            let got = outputs.map(\.bits)
            if threads == Self.threadCounts[0] {
              try reference.expectNear(outputs, "\(target) \(test.bindings[number])")
              bits.append(got)
            } else if got != bits[number] {
              throw Finding("other bits with \(threads) threads, \(target) \(test.bindings[number])")
            }
          }
        }
      }
      return Trial(.ran, runs: runs)
    }
  }
}

extension NDArray {
  fileprivate var bits: [UInt64] {
    let array = ReferenceArray(self)
    return array.integers.map(UInt64.init(bitPattern:)) + array.reals.map(\.bitPattern)
  }
}

/// What the reference makes of a case at some lengths, and how near to that compiled code must be.
private struct Reference {
  let inputs: [Name: ReferenceArray]
  private let results: [(name: Name, array: ReferenceArray)]
  private let tolerances: [Tolerance]

  /// Results that are rounded elsewhere, or nowhere, show how much roundings matter: so many times that is allowed.
  private static let spreadFactor = 16.0

  init(_ test: DifferentialCase, _ binding: [Name: Int]) throws {
    let (inputs, text) = (try test.inputs(binding), test.graph.text)
    let all: [[(name: Name, array: ReferenceArray)]]
    do {
      // Only 16-bit floats are held wider than their type.
      let others: [Rounding] = text.contains("f16") ? [.toType, .none] : [.none]
      all = try ([.toComputed] + others).map {
        try GraphInterpreter.evaluate(test.graph, inputs: inputs, rounding: $0)
      }
    } catch { throw Finding("the reference rejects: \(error)") }
    let results = all[0]
    // What is computed in f64 from narrower numbers is no better than these.
    let double = ["f32", "f16"].contains(where: text.contains) ? 1e-4 : 1e-11
    tolerances = results.indices.map { position in
      let array = results[position].array
      var (spread, largest) = (0.0, 1.0)
      for x in array.reals where x.isFinite { largest = max(largest, abs(x)) }
      for other in all.dropFirst() {
        for (x, y) in zip(array.reals, other[position].array.reals) where x.isFinite && y.isFinite {
          spread = max(spread, abs(x - y))
        }
      }
      let added = Self.spreadFactor * spread / largest
      return Tolerance(f32: 1e-4 + added, f64: double + added)
    }
    (self.inputs, self.results) = (inputs, results)
  }

  func expectNear(_ outputs: [NDArray], _ place: String) throws {
    for ((output, result), tolerance) in zip(zip(outputs, results), tolerances) {
      if let difference = try difference(output, result.array, tolerance) {
        throw Finding("another result, \(place) %\(result.name): \(difference)")
      }
    }
  }
}

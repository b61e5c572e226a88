import Foundation
import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// The targets whose code runs on this machine, one of each instruction set.
let hostTargets: [Target] = allHostTargets.filter { $0 != .x86AVX512BF16 }

/// The targets whose code runs on this machine. The last one differs in bf16 alone.
let allHostTargets: [Target] = Target.all.filter(\.runsOnHost)

/// The float types, with which every rule is tested.
let floatTypes: [ElementType] = [.f32, .f64, .f16, .bf16]

/// The one graph that `text` holds.
func parse(_ text: String, file: String = "test") throws -> Graph {
  let graphs = try Graph.parse(text, file: file)
  try #require(graphs.count == 1)
  return graphs[0]
}

/// A graph with these arguments and body, which ends in `return`.
func graph(_ arguments: String, _ body: String, facts: String = "") throws -> Graph {
  try parse("graph @test(\(arguments))\(facts.isEmpty ? "" : " facts (\(facts))") {\n\(body)\n}\n")
}

/// No cache: tests neither see nor leave anything.
func options(_ target: Target = .host, threads: Int = 2) -> CompileOptions {
  CompileOptions(target: target, threads: threads, cache: ObjectCache(directory: nil))
}

/// Inputs for a graph at a binding of its symbols: floats in -2 ..< 2, integers in 0 ..< 6, and `given` instead of what it names.
func randomInputs(
  _ graph: Graph, _ binding: [Name: Int], seed: UInt64 = 1, given: [Name: ReferenceArray] = [:]
) throws -> [Name: ReferenceArray] {
  var numbers = SeededGenerator(seed: seed)
  var inputs: [Name: ReferenceArray] = [:]
  for argument in graph.arguments {
    let (name, type) = (graph.name(argument.value), graph.type(argument.value))
    inputs[name] = try given[name] ?? numbers.array(type.element, type.shape.evaluate { binding[$0] })
  }
  return inputs
}

extension CompiledGraph {
  /// Runs the graph, whose parameters are among `inputs`, with all memory between guard pages.
  func run(_ graph: Graph, _ inputs: [Name: ReferenceArray], guarding: GuardedMemory) throws -> [NDArray] {
    func arrays(_ role: Argument.Role) throws -> [(name: String, array: NDArray)] {
      try graph.arguments.filter { $0.role == role }.map { argument in
        let name = graph.name(argument.value)
        return (name.text, try NDArray(inputs[name]!).guarded(guarding))
      }
    }
    let parameters = try arrays(.parameter)
    let loaded = parameters.isEmpty ? self : try load(parameters: parameters)
    return Array(try loaded.run(arrays(.input), guarding: guarding))
  }
}

/// Compiles `graph` for each target and checks what it gives on each set of inputs against the reference.
///
/// Fused code may hold 16-bit floats in f32 where the definition rounds them, and so does the reference here, unless the tolerance is 0.
///
/// - Parameters:
///   - attentions: how many attention ops the passes must make.
///   - note: stands before what is said of a failure.
func expectAgreement(
  _ graph: Graph, _ inputs: [[Name: ReferenceArray]], _ tolerance: Tolerance = .sums, attentions: Int? = nil,
  targets: [Target]? = nil, pipeline: PassPipeline = PassPipeline(), note: String = "",
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
  // Only bf16 has code of its own on the target that multiplies it.
  let targets = targets ?? (graph.text.contains("bf16") ? allHostTargets : hostTargets)
  let rounding: Rounding = tolerance.f32 == 0 ? .toType : .toComputed
  let expected = try inputs.map { try GraphInterpreter.evaluate(graph, inputs: $0, rounding: rounding) }
  for (number, target) in targets.enumerated() {
    var options = options(target)
    options.pipeline = pipeline
    let compiled: CompiledGraph
    do { compiled = try graph.compile(options) } catch {
      Issue.record("\(note)\(target): \(error)\n\(graph.text)", sourceLocation: sourceLocation)
      return
    }
    if let attentions {
      let count = compiled.graph.body.count { compiled.graph.op($0) == .attention }
      #expect(
        count == attentions, "\(note)\n\(graph.text)\n\(compiled.graph.text)\n\(compiled.remarks)", sourceLocation: sourceLocation)
    }
    for (set, input) in inputs.enumerated() {
      let shapes = input.sorted { $0.key.text < $1.key.text }.map { "\($0.key)\($0.value.shape)" }.joined(separator: " ")
      let place = "\(note)\(target) \(shapes)"
      do {
        let got = try compiled.run(graph, input, guarding: GuardedMemory.allCases[(set + number) % 2])
        for (array, reference) in zip(got, expected[set]) {
          if let difference = try difference(array, reference.array, tolerance) {
            Issue.record(
              "\(place) %\(reference.name): \(difference)\n\(graph.text)\n\(compiled.graph.text)", sourceLocation: sourceLocation)
            return
          }
        }
      } catch {
        Issue.record("\(place): \(error)\n\(graph.text)", sourceLocation: sourceLocation)
        return
      }
    }
  }
}

/// As above with random inputs at each binding of the symbols.
func expectAgreement(
  _ graph: Graph, at bindings: [[Name: Int]], _ tolerance: Tolerance = .sums, attentions: Int? = nil,
  targets: [Target]? = nil, pipeline: PassPipeline = PassPipeline(), note: String = "",
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
  let inputs = try bindings.enumerated().map { try randomInputs(graph, $0.element, seed: UInt64($0.offset + 1)) }
  try expectAgreement(
    graph, inputs, tolerance, attentions: attentions, targets: targets, pipeline: pipeline, note: note,
    sourceLocation: sourceLocation)
}

/// Checks that the results of a graph have the same bits for any number of threads and from run to run.
func expectSameBits(
  _ graph: Graph, _ inputs: [[Name: ReferenceArray]], target: Target = .host, note: String = "",
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
  let folder = FileManager.default.temporaryDirectory.appending(path: "heed-tests-\(UUID().uuidString)")
  defer { try? FileManager.default.removeItem(at: folder) }
  // Code that does not depend on the number of threads is compiled once.
  let cache = ObjectCache(directory: folder.path, log: { _ in })
  let all = try [1, 2, 3, 2].map { threads in
    let compiled = try graph.compile(CompileOptions(target: target, threads: threads, cache: cache))
    return try inputs.map { input in
      try compiled.run(graph, input, guarding: .ends).map { output in
        let array = ReferenceArray(output)
        return array.integers.map(UInt64.init(bitPattern:)) + array.reals.map(\.bitPattern)
      }
    }
  }
  let isSame = all.dropFirst().allSatisfy { $0 == all[0] }
  #expect(isSame, "\(note)\(graph.text)", sourceLocation: sourceLocation)
}

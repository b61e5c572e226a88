import Foundation
package import Heed

/// A model, sizes to run it at, and plain loops that compute what it must return.
package struct Example: Sendable {
  /// What the model is called in tables.
  package let title: String
  /// The name of the file that the model is written in.
  package let file: String
  /// The model.
  package let graph: Graph
  /// The sizes that it is run at.
  package let sizes: [Size]
  private let reference: @Sendable (Numbers) -> [[Double]]

  /// Values of the symbols of a model, and its arguments of integers.
  package struct Size: Sendable {
    /// By name, the values of the symbols.
    package let symbols: [String: Int]
    /// By name, the elements of arguments of integers.
    package let integers: [String: [Int]]

    init(_ symbols: [String: Int], _ integers: [String: [Int]] = [:]) { (self.symbols, self.integers) = (symbols, integers) }
  }

  /// A model whose file is named after the file of its reference.
  /// - Parameter reference: the elements of each result in row-major order.
  init(
    _ title: String, _ graph: Graph, file: String = #fileID, at sizes: Size...,
    reference: @escaping @Sendable (_ n: Numbers) -> [[Double]]
  ) {
    let stem = file.split(separator: "/").last?.split(separator: "+").first ?? ""
    (self.title, self.file, self.graph, self.sizes, self.reference) = (title, String(stem) + ".swift", graph, sizes, reference)
  }
}

extension Example: CustomStringConvertible {
  /// The title.
  package var description: String { title }
}

extension Example {
  /// The number of lines of the model's file; nil where the source is not there.
  package var lineCount: Int? {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: file)
    return (try? String(contentsOf: path, encoding: .utf8))?.count { $0 == "\n" }
  }

  /// The greatest difference between an element of a result of the compiled model and that of the reference, over all sizes.
  /// - Throws: where the model does not run, or a result has another number of elements.
  package func error(of program: CompiledGraph) throws -> Double {
    try sizes.enumerated().map { try error(of: program, at: $1, seed: $0 + 1) }.max() ?? 0
  }

  /// Arguments at one of the sizes: the same numbers for a seed.
  package func arguments(at size: Size, seed: Int) throws -> (inputs: [String: NDArray], parameters: [String: NDArray]) {
    var (inputs, parameters): ([String: NDArray], [String: NDArray]) = ([:], [:])
    for (number, argument) in graph.arguments.enumerated() {
      let (name, type) = (graph.name(argument.value).text, graph.type(argument.value))
      let shape = try type.shape.evaluate { size.symbols[$0.text] }
      if let integers = size.integers[name] {
        inputs[name] = try NDArray(integers, shape).converted(to: type.element)
      } else if argument.role == .input {
        inputs[name] = .uniform(shape, in: -2..<2, seed: 100 * seed + number)
      } else {
        parameters[name] = .uniform(shape, in: -0.5..<0.5, seed: 100 * seed + number)
      }
    }
    return (inputs, parameters)
  }

  private func error(of program: CompiledGraph, at size: Size, seed: Int) throws -> Double {
    let (inputs, parameters) = try arguments(at: size, seed: seed)
    let expected = reference(try Numbers(inputs.merging(parameters) { input, _ in input }, size.symbols))
    let outputs = try program.load(parameters: parameters)(inputs)
    let got = try outputs.map { try $0.doubles() }
    guard got.map(\.count) == expected.map(\.count) else {
      throw HeedError("\(title): got results of \(got.map(\.count)) elements, expected \(expected.map(\.count))")
    }
    let differences = zip(got.joined(), expected.joined()).map { abs($0 - $1) }
    return differences.contains { $0.isNaN } ? .infinity : differences.max() ?? 0
  }
}

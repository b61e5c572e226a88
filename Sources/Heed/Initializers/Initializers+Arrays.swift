extension Initializers {
  /// Arrays for the parameters of a graph by name, and for its states: `graph.load(parameters: try initializers.arrays(for: graph, seed: 1))`.
  /// States that begin with a number of their own are left out, such as what an optimiser keeps.
  ///
  /// The numbers of a name follow from the seed, the name, the shape and the element type, on every machine.
  /// - Parameter given: arrays that are there already, by name. They are returned too, and need no initialiser.
  /// - Throws: where a parameter has no initialiser, one that does not fit its shape, or a shape that is not known.
  public func arrays(for graph: Graph, seed: UInt64, given: [String: NDArray] = [:]) throws -> [String: NDArray] {
    var arrays = given
    for argument in graph.arguments where argument.role != .input && argument.initial == nil {
      let (name, type) = (graph.name(argument.value).text, graph.type(argument.value))
      guard given[name] == nil else { continue }
      do { arrays[name] = try array(name, type, seed: seed) } catch let error as HeedError {
        throw error.located(at: graph.place(argument.value))
      }
    }
    return arrays
  }

  private func array(_ name: String, _ type: TensorType, seed: UInt64) throws -> NDArray {
    guard let initializer = initializer(of: name) else {
      throw HeedError("got no initializer of %\(name): \(type), expected one by its layer or by a pattern of names")
    }
    let shape = try type.shape.extents.map { extent in
      guard let count = extent.constant else {
        throw HeedError("\(initializer.name) of %\(name): got the type \(type), expected numbers as extents")
      }
      return count
    }
    return try NDArray(initializer.numbers(seed: seed, name: name, shape: shape), shape).converted(to: type.element)
  }
}

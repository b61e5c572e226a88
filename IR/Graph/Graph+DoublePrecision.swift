extension Graph {
  /// The same graph in double precision: every float is an f64, and a conversion between floats returns its operand.
  ///
  /// Integers stay as they are. A `bitcast` means the bits of the type as it was written: of a number rounded to f32, say.
  /// - Throws: the first mistake made in building the graph, or where an op does not take f64.
  public func inDoublePrecision() throws -> Graph {
    if let failure { throw failure }
    // A conversion separates what is differentiated from what it is made of.
    let keepsConversions = hasDerivatives
    var graph = Graph(name: name)
    graph.location = location
    for (position, fact) in facts.enumerated() { graph.addFact(fact, at: place(ofFact: position)) }
    for block in blocks { _ = graph.addBlock(block.kind, in: block.parent) }
    var values: [ValueID: ValueID] = [:]
    for argument in arguments {
      let value = argument.value
      values[value] = graph.addArgument(name(value), type(value).inDoublePrecision, role: argument.role, initial: argument.initial)
    }
    for node in body {
      graph.reopen(block(node))
      let (old, operands) = (results(node), operands(node).map { values[$0]! })
      let source = self.operands(node).first.map { type($0).element }
      var new = operands
      if op(node) == .convert, source!.isFloat, type(old[0]).element.isFloat {
        if keepsConversions { new = try graph.appendAll(.identity, operands, names: old.map(name)) }
      } else if op(node) == .bitcast {
        new = [try graph.appendBitcast(operands[0], from: source!, to: type(old[0]))]
      } else {
        new = try graph.appendAll(
          op(node), operands, attributes: attributes(node).all, regions: regions(node).map(\.inDoublePrecision),
          body: try bodyGraph(node)?.inDoublePrecision(),
          stated: old.map { type($0).inDoublePrecision }, names: old.map(name))
      }
      for (from, to) in zip(old, new) {
        values[from] = to
        if graph.place(to) == nil, let place = place(from) { graph.setPlace(to, place) }
      }
    }
    graph.reopen(nil)
    graph.setResults(results.map { values[$0]! }, names: resultNames)
    return graph
  }

  /// The bits of an operand whose type was `source`, as `type`.
  private mutating func appendBitcast(_ operand: ValueID, from source: ElementType, to type: TensorType) throws -> ValueID {
    func converted(_ value: ValueID, _ element: ElementType) throws -> ValueID {
      self.type(value).element == element
        ? value : try appendAll(.convert, [value], stated: [TensorType(element, type.shape)])[0]
    }
    let bits = try appendAll(.bitcast, [try converted(operand, source)], stated: [type])[0]
    return type.element.isFloat ? try converted(bits, .f64) : bits
  }

  /// Adds a node and returns its results.
  private mutating func appendAll(
    _ op: Op, _ operands: [ValueID], attributes: [Attribute] = [], regions: [ScalarFunction] = [], body: Graph? = nil,
    stated: [TensorType]? = nil, names: [Name] = []
  ) throws -> [ValueID] {
    let node = try append(op, operands, attributes: attributes, regions: regions, body: body, stated: stated, names: names)
    return results(node)
  }
}

extension ElementType {
  fileprivate var inDoublePrecision: ElementType { isFloat ? .f64 : self }
}

extension TensorType {
  fileprivate var inDoublePrecision: TensorType { TensorType(element.inDoublePrecision, shape) }
}

extension ScalarFunction {
  /// The same function in double precision.
  fileprivate var inDoublePrecision: ScalarFunction {
    var function = ScalarFunction(
      parameters: parameters.map { Parameter($0.name, $0.type.inDoublePrecision) },
      tables: tables.map { Table($0.name, $0.type.inDoublePrecision) })
    var values = parameters.indices.map(parameter)
    for instruction in instructions {
      let operands = instruction.operands.map { values[$0.index] }
      let (source, target) = (instruction.operands.first.map(type), instruction.type)
      func append(_ op: Op, _ operand: ScalarValue, _ type: ElementType) -> ScalarValue {
        function.append(Instruction(.elementwise(op), operands: [operand], type: type))
      }
      switch instruction.operation {
      case .elementwise(.convert) where source!.isFloat && target.isFloat: values.append(operands[0])
      case .elementwise(.bitcast):
        let bits = append(.bitcast, source!.isFloat ? append(.convert, operands[0], source!) : operands[0], target)
        values.append(target.isFloat ? append(.convert, bits, .f64) : bits)
      default:
        values.append(
          function.append(
            Instruction(instruction.operation, operands: operands, type: target.inDoublePrecision, name: instruction.name)))
      }
    }
    function.results = results.map { values[$0.index] }
    return function
  }
}

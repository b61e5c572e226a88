public import HeedIR

extension Graph {
  /// What the graph is, but for the numbers of its values and for where its scalar constants stand: equal for a graph and what
  /// its text parses to.
  public var structure: [String] {
    var keys = [String](repeating: "?", count: valueCapacity)
    var lines = ["graph \(name)"]
    for (position, argument) in arguments.enumerated() {
      keys[Int(argument.value.index)] = "argument \(position)"
      lines.append("\(argument.role) \(name(argument.value)): \(type(argument.value))")
    }
    lines += facts.map { "fact \($0)" }
    var count = 0
    for node in body {
      let results = results(node)
      if op(node) == .constant, let literal = scalarConstant(results[0]), name(results[0]).isNone {
        keys[Int(results[0].index)] = "\(literal) \(type(results[0]))"
        continue
      }
      for result in results {
        keys[Int(result.index)] = "value \(count)"
        count += 1
      }
      let operands = operands(node).map { keys[Int($0.index)] }
      let attributes = attributes(node).all.map { "\($0.key) \($0.value.structure)" }
      let regions = regions(node).map { region in region.text(tables: region.tables.indices.map { "%table\($0)" }) }
      lines.append("\(op(node).mnemonic) \(operands) \(attributes) \(regions) \(results.map { "\(name($0)): \(type($0))" })")
    }
    lines.append("return \(zip(results, resultNames).map { "\(keys[Int($0.index)]) as \($1)" })")
    return lines
  }
}

extension AttributeValue {
  fileprivate var structure: String {
    switch self {
    case .integers(let list): "integers \(list.values)"
    case .literals(let list): "literals \(list.values)"
    default: "\(self)"
    }
  }
}

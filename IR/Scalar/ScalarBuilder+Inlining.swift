/// How the 16-bit floats of a function are held where it is inlined: see `ElementType.computed`.
public enum NarrowFloats: Sendable {
  /// In their own type: for functions inside functions.
  case kept
  /// In f32, rounded where the function converts to the narrow type. Such a conversion at the very end is left to the store of the
  /// result: for ops of a graph, whose conversions are part of their definition.
  case rounded
  /// In f32, and never rounded between arguments and results: for the regions of attention, which the numeric contract says so of.
  case widened
}

/// An element of a captured tensor that an inlined function reads.
public struct ElementRead<Value> {
  /// The number of the tensor.
  public var table: Int
  /// The indices, outermost first.
  public var indices: [Value]
  /// The type that the element is held in.
  public var type: ElementType
  /// What the function calls the element.
  public var name: Name
}

extension ScalarBuilder {
  /// Puts the body of `function` here with `arguments` for its parameters, and returns its results. What the function does not use may
  /// have any argument.
  ///
  /// - Parameters:
  ///   - narrowFloats: how 16-bit floats are held, arguments and results too.
  ///   - element: makes an element of a captured tensor.
  public mutating func inline(
    _ function: ScalarFunction, _ arguments: [Value], narrowFloats: NarrowFloats,
    element: (inout Self, ElementRead<Value>) throws -> Value
  ) rethrows -> [Value] {
    var values = arguments
    var beforeRounding: [ScalarValue: Value] = [:]
    let used = Set(function.instructions.flatMap(\.operands))
    for (position, instruction) in function.instructions.enumerated() {
      let operands = instruction.operands.map { values[$0.index] }
      let type = narrowFloats == .kept ? instruction.type : instruction.type.computed
      switch instruction.operation {
      case .constant(let literal): values.append(constant(literal, type, name: instruction.name))
      case .element(let table):
        values.append(try element(&self, ElementRead(table: table, indices: operands, type: type, name: instruction.name)))
      case .extent(let extent): values.append(self.extent(extent, type, name: instruction.name))
      case .elementwise(let op) where narrowFloats == .kept:
        values.append(apply(op, operands, type: op.has(.typedByResult) ? type : nil, name: instruction.name))
      case .elementwise(let op):
        let types = instruction.operands.map(function.type)
        if op == .convert, narrowFloats == .rounded, type != instruction.type, types[0].isFloat {
          let value = ScalarValue(function.parameters.count + position)
          beforeRounding[value] = operands[0]
          if !used.contains(value) {
            values.append(operands[0])
            continue
          }
        }
        let rounds = narrowFloats == .rounded
        values.append(compute(op, operands, types, to: instruction.type, rounds: rounds, name: instruction.name))
      }
    }
    return function.results.map { beforeRounding[$0] ?? values[$0.index] }
  }

  /// As above, for a function without captured tensors.
  public mutating func inline(_ function: ScalarFunction, _ arguments: [Value], narrowFloats: NarrowFloats) -> [Value] {
    inline(function, arguments, narrowFloats: narrowFloats) { _, _ in
      preconditionFailure("an element of a captured tensor where there is none")
    }
  }

  /// `op` on operands of `types`, with a result of type `type`, where 16-bit floats are held in f32.
  ///
  /// - Parameter rounds: whether a conversion to a narrow type rounds.
  public mutating func compute(
    _ op: Op, _ operands: [Value], _ types: [ElementType], to type: ElementType, rounds: Bool = true, name: Name = .none
  ) -> Value {
    switch op {
    case .convert:
      let converted = apply(.convert, operands, type: rounds ? type : type.computed, name: name)
      return apply(.convert, converted, type: type.computed)
    case .bitcast:
      // The bits of a narrow float are those of its own type.
      let bits = apply(.bitcast, apply(.convert, operands, type: types[0]), type: type, name: name)
      return apply(.convert, bits, type: type.computed)
    default: return apply(op, operands, type: op.has(.typedByResult) ? type.computed : nil, name: name)
    }
  }
}

extension FunctionBuilder {
  /// Puts the body of `function` here with `arguments` for its parameters, and returns its results.
  ///
  /// - Parameter tableMap: the numbers here of the function's captured tensors; nil where they are the same.
  public mutating func inline(_ function: ScalarFunction, _ arguments: [ScalarValue], tableMap: [Int]? = nil) -> [ScalarValue] {
    inline(function, arguments, narrowFloats: .kept) { builder, read in
      builder.element(tableMap?[read.table] ?? read.table, read.indices, name: read.name)
    }
  }
}

/// An array of the reference interpreter: floats of any type as doubles, integers in 64 bits.
public struct ReferenceArray: Hashable, Sendable {
  /// The element type. The elements are rounded or wrapped to it.
  public let element: ElementType
  /// The extents, outermost first.
  public let shape: [Int]
  /// The elements in row-major order; empty for integer and bool arrays.
  public var reals: [Double]
  /// The elements in row-major order; empty for float arrays.
  public var integers: [Int64]

  /// An array of zeros.
  public init(_ element: ElementType, _ shape: [Int]) {
    (self.element, self.shape) = (element, shape)
    let count = Self.elementCount(shape)
    reals = element.isFloat ? Array(repeating: 0, count: count) : []
    integers = element.isFloat ? [] : Array(repeating: 0, count: count)
  }

  /// A float array of these elements in row-major order.
  public init(_ element: ElementType, _ shape: [Int], reals: [Double]) {
    precondition(element.isFloat && reals.count == Self.elementCount(shape))
    (self.element, self.shape, self.reals, integers) = (element, shape, reals, [])
  }

  /// An integer or bool array of these elements in row-major order.
  public init(_ element: ElementType, _ shape: [Int], integers: [Int64]) {
    precondition(!element.isFloat && integers.count == Self.elementCount(shape))
    (self.element, self.shape, reals, self.integers) = (element, shape, [], integers)
  }

  /// The same numbers as reals in double precision, where they are integers.
  var inReals: ReferenceArray { element.isFloat ? self : ReferenceArray(.f64, shape, reals: integers.map(Double.init)) }

  /// The product of extents that are known to be countable.
  private static func elementCount(_ shape: [Int]) -> Int { shape.contains(0) ? 0 : shape.reduce(1, *) }

  /// The number of elements.
  public var count: Int { element.isFloat ? reals.count : integers.count }

  /// The element at a row-major position.
  public subscript(position: Int) -> Literal {
    get { element.isFloat ? Literal(reals[position]) : Literal(integers[position]) }
    set {
      if element.isFloat { reals[position] = newValue.real } else { integers[position] = newValue.integer }
    }
  }

  /// The row-major position of the element at `indices`.
  public func position(_ indices: some Sequence<Int>) -> Int { zip(indices, shape).reduce(0) { $0 * $1.1 + $1.0 } }

  /// The row-major strides.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for dimension in Swift.stride(from: shape.count - 2, through: 0, by: -1) {
      strides[dimension] = strides[dimension + 1] * max(1, shape[dimension + 1])
    }
    return strides
  }

  /// An array whose elements are what `value` returns for their indices.
  public static func generated(
    _ element: ElementType, _ shape: [Int], _ value: (_ indices: [Int]) throws -> Literal
  ) rethrows -> ReferenceArray {
    var array = ReferenceArray(element, shape)
    try forEachIndex(of: shape) { indices, position in array[position] = try value(indices) }
    return array
  }

  /// Calls `body` with the positions of each row of elements along `dimension`, in row-major order of the other dimensions.
  public func forEachRow(along dimension: Int, _ body: (_ positions: [Int]) throws -> Void) rethrows {
    let (extent, stride) = (shape[dimension], strides[dimension])
    var others = shape
    others[dimension] = 1
    guard extent > 0 else { return }
    try Self.forEachIndex(of: others) { indices, _ in
      let first = position(indices)
      try body((0..<extent).map { first + $0 * stride })
    }
  }

  /// Calls `body` with the indices of every element of an array of this shape, in row-major order, and the position.
  public static func forEachIndex(of shape: [Int], _ body: (_ indices: [Int], _ position: Int) throws -> Void) rethrows {
    guard !shape.contains(0) else { return }
    var indices = [Int](repeating: 0, count: shape.count)
    for position in 0..<shape.reduce(1, *) {
      try body(indices, position)
      for dimension in shape.indices.reversed() {
        indices[dimension] += 1
        if indices[dimension] < shape[dimension] { break }
        indices[dimension] = 0
      }
    }
  }
}

/// What an op's definition sees when it is run.
public struct Evaluation {
  /// The op.
  public let op: Op
  /// The operands.
  public let operands: [ReferenceArray]
  /// The node's attributes.
  public let attributes: Attributes
  /// The node's regions.
  public let regions: [ScalarFunction]
  /// The graph that the node runs, and what runs it on arrays for its arguments in order; nil for most ops.
  public let body: Graph?
  /// Runs a graph on arrays for its arguments in order, and returns its results, updates included.
  public let run: Runner?
  /// What runs a graph: its arguments in order, and the values of symbols.
  public typealias Runner = (_ body: Graph, _ arguments: [ReferenceArray], _ binding: [Name: Int]) throws -> [ReferenceArray]
  /// The operands' types, whose extents may have symbols.
  public let operandTypes: [TensorType]
  /// The results' types, whose extents may have symbols.
  public let resultTypes: [TensorType]
  /// The result shapes under the call's binding of symbols.
  public let resultShapes: [[Int]]
  /// The call's binding of symbols.
  public let binding: [Name: Int]
  /// How the values inside regions are rounded.
  public let rounding: Rounding
  /// For each operand, which of its elements are zeros that a mask made: a bool array of its shape. Nil where none is known.
  public let maskedZeros: [ReferenceArray?]

  /// The most elements that an array of the reference may have: 64 GiB.
  private static let mostElements = 1 << 33

  /// One node with its operands' elements and the call's binding of symbols.
  /// - Throws: where a result's extent is negative or has no value, or a result is too large to hold.
  public init(
    op: Op, operands: [ReferenceArray], attributes: Attributes, regions: [ScalarFunction], body: Graph? = nil,
    run: Runner? = nil, operandTypes: [TensorType], resultTypes: [TensorType], binding: [Name: Int], rounding: Rounding = .toType,
    maskedZeros: [ReferenceArray?] = []
  ) throws {
    (self.op, self.maskedZeros, self.body, self.run) = (op, maskedZeros, body, run)
    (self.operands, self.attributes, self.regions) = (operands, attributes, regions)
    (self.operandTypes, self.resultTypes, self.binding, self.rounding) = (operandTypes, resultTypes, binding, rounding)
    resultShapes = try resultTypes.map { type in
      let shape = try type.shape.evaluate { binding[$0] }
      guard try Shape.elementCount(of: shape) <= Self.mostElements else {
        throw HeedError("a value of type \(type) has the shape \(shape), more elements than the reference can hold")
      }
      return shape
    }
  }

  /// The results of the node's region of this number on scalars.
  /// - Throws: where an index leaves its table.
  func evaluate(_ region: Int, _ arguments: [Literal], tables: [ReferenceArray] = []) throws -> [Literal] {
    try regions[region].evaluate(arguments, tables: tables, binding: binding, rounding: rounding)
  }

  /// The extents of the attribute `key` under the call's binding.
  public func extents(_ key: AttributeKey<[Extent]>) throws -> [Int] {
    try attributes.required(key).map { try $0.evaluate { binding[$0] } }
  }
}

extension Extent {
  /// The value as a number of type `type`: an integer wraps.
  /// - Throws: where a symbol has no value.
  func literal(of type: ElementType, _ binding: [Name: Int]) throws -> Literal {
    let value = try evaluate { binding[$0] }
    return type.isFloat ? Literal(type.round(Double(value))) : Literal(type.wrap(Int64(value)))
  }
}

extension ScalarFunction {
  /// The function's results on scalars, by the ops' definitions.
  ///
  /// Every value is one of its type: what each instruction computes is rounded, and so are the arguments.
  ///
  /// - Parameters:
  ///   - tables: the captured tensors.
  ///   - binding: the values of the symbols that extents mention.
  ///   - rounding: how values are rounded.
  /// - Throws: where an index leaves its table, or an extent has no value.
  public func evaluate(
    _ arguments: [Literal], tables: [ReferenceArray] = [], binding: [Name: Int] = [:], rounding: Rounding = .toType
  ) throws -> [Literal] {
    var values: [Literal] = []
    values.reserveCapacity(parameters.count + instructions.count)
    for (argument, parameter) in zip(arguments, parameters) {
      values.append(parameter.type.isFloat ? Literal(rounding.round(argument.real, parameter.type)) : argument)
    }
    for instruction in instructions {
      switch instruction.operation {
      case .constant(let literal): values.append(literal)
      case .elementwise(let op):
        let (operands, type) = (instruction.operands, instruction.type)
        func operand(_ position: Int) -> Literal { values[operands[position].index] }
        if rounding == .toType {
          values.append(op.scalar!.apply(to: self.type(operands[0]), result: type, operand: operand))
        } else {
          let result = op.scalar!.applyUnrounded(to: self.type(operands[0]), result: type, operand: operand)
          values.append(type.isFloat ? Literal(rounding.round(result.real, type)) : result)
        }
      case .extent(let extent): values.append(try extent.literal(of: instruction.type, binding))
      case .element(let table):
        let array = tables[table]
        let indices = instruction.operands.map { Int(values[$0.index].integer) }
        for (index, extent) in zip(indices, array.shape) where index < 0 || index >= extent {
          throw HeedError("got the index \(indices) into %\(self.tables[table].name) of shape \(array.shape), expected one inside")
        }
        values.append(array[array.position(indices)])
      }
    }
    return results.map { values[$0.index] }
  }
}

public import HeedIR

/// A tensor of a graph that is being built: a symbol for numbers that exist only when the graph runs.
///
/// Operators and functions on tensors append ops to the graph. Their shapes are known at once; a mistake is kept in the graph with
/// the line it was made on, and thrown when the graph is verified or compiled. Dimensions count from 0, negative ones from the end.
public struct Tensor {
  /// What builds the graph that the tensor belongs to.
  public let builder: GraphBuilder
  /// The tensor's element type and shape. After a mistake, a guess.
  public let type: TensorType
  /// The value in the graph; nil for what follows from a mistake.
  package let value: ValueID?

  init(_ builder: GraphBuilder, _ value: ValueID?, _ type: TensorType) {
    (self.builder, self.value, self.type) = (builder, value, type)
  }

  /// The type of each element.
  public var element: ElementType { type.element }
  /// The extents, outermost first.
  public var shape: Shape { type.shape }
  /// The number of dimensions.
  public var rank: Int { type.rank }

  /// The extent of a dimension, as the shape states it.
  public func extent(_ dimension: Int, file: String = #filePath, line: Int = #line) -> Extent {
    guard let dimension = resolve(dimension, CallSite(file, line)) else { return 1 }
    return shape[dimension]
  }

  /// The extent of a dimension as a scalar of the graph.
  public func size(_ dimension: Int, as element: ElementType = .i32, file: String = #filePath, line: Int = #line) -> Tensor {
    let site = CallSite(file, line)
    guard let dimension = resolve(dimension, site) else { return builder.poison(TensorType(element, .scalar)) }
    return builder.extent(shape[dimension], element, site)
  }

  /// The index along a dimension, at every element of a tensor of this shape: what masks and position biases are made of.
  ///
  /// `scores.index(2)` is 0 in the first row of each matrix, 1 in the second, and so on.
  public func index(_ dimension: Int, as element: ElementType = .i32, file: String = #filePath, line: Int = #line) -> Tensor {
    let site = CallSite(file, line)
    guard let dimension = resolve(dimension, site) else { return builder.poison(TensorType(element, shape)) }
    return builder.iota(TensorType(element, shape), dimension, site)
  }

  /// The same tensor, its value named in the graph, under the names of the scopes it is named in.
  @discardableResult
  public func named(_ name: String, file: String = #filePath, line: Int = #line) -> Tensor {
    builder.name(self, name, CallSite(file, line))
    return self
  }

  /// The value's name in the graph, scopes included: `encoder.weight`; nil where it has none.
  public var name: String? {
    guard let value, case let name = builder.graph.name(value), !name.isNone else { return nil }
    return name.text
  }

  /// `%scores: f32[B, 8, S, S]`, or the type alone where the value has no name.
  var summary: String { name.map { "%\($0): \(type)" } ?? "\(type)" }

  /// The dimension counted from 0, or nil after recording that it does not exist.
  func resolve(_ dimension: Int, _ site: @autoclosure () -> CallSite?) -> Int? {
    let resolved = dimension < 0 ? dimension + rank : dimension
    if resolved >= 0 && resolved < rank { return resolved }
    let expected = rank == 0 ? "a tensor of rank 1 or more" : "one in \(-rank) ..< \(rank)"
    builder.fail("got dimension \(dimension) of \(summary), expected \(expected)", site())
    return nil
  }

  /// The dimensions counted from 0, distinct and rising; all where the list is empty; nil after recording what is wrong.
  func resolve(_ dimensions: [Int], _ site: CallSite?) -> [Int]? {
    if dimensions.isEmpty { return Array(0..<rank) }
    var resolved: [Int] = []
    for dimension in dimensions {
      guard let found = resolve(dimension, site) else { return nil }
      guard !resolved.contains(found) else {
        builder.fail("got the dimensions \(dimensions) of \(summary), expected distinct ones", site)
        return nil
      }
      resolved.append(found)
    }
    return resolved.sorted()
  }
}

/// A Swift number that can be an operand beside a tensor: `x * 0.5`, `i % 2`. It takes the tensor's element type.
public protocol TensorScalar {
  /// The number as IR writes it.
  var literal: Literal { get }
}

extension Int: TensorScalar {
  /// The number as IR writes it.
  public var literal: Literal { Literal(self) }
}

extension Double: TensorScalar {
  /// The number as IR writes it.
  public var literal: Literal { Literal(self) }
}

extension Float: TensorScalar {
  /// The number as IR writes it.
  public var literal: Literal { Literal(Double(self)) }
}

extension Bool: TensorScalar {
  /// The number as IR writes it.
  public var literal: Literal { Literal(self) }
}

/// The extents of a tensor, outermost first; rank 0 is a scalar.
public struct Shape: Hashable, Sendable {
  private static let interner = Interner<[Extent]>()
  private let identifier: UInt32

  /// The shape of these extents, outermost first.
  public init(_ extents: some Sequence<Extent>) { identifier = Self.interner.identifier(of: Array(extents)) }

  /// The shape of a scalar: rank 0, one element.
  public static let scalar = Shape([])

  /// The extents, outermost first.
  public var extents: [Extent] { Self.interner[identifier] }
  /// The number of dimensions.
  public var rank: Int { extents.count }
  /// The extent of a dimension, counted from 0. That of a dimension that there is not is a mistake, as its `mistake` says.
  public subscript(dimension: Int) -> Extent {
    let extents = extents
    guard extents.indices.contains(dimension) else {
      return .mistaken("got dimension \(dimension) of the shape \(self), expected one in 0 ..< \(rank)")
    }
    return extents[dimension]
  }

  /// The number of elements.
  public var count: Extent { extents.reduce(Extent(1), *) }

  /// The strides in elements of a row-major array of this shape. A dimension of extent 0 counts as one of 1: the strides of an array
  /// without elements are no broadcast.
  public var rowMajorStrides: [Extent] {
    var strides = [Extent](repeating: 1, count: rank)
    let extents = extents
    for dimension in stride(from: rank - 2, through: 0, by: -1) {
      strides[dimension] = strides[dimension + 1] * (extents[dimension + 1] == 0 ? 1 : extents[dimension + 1])
    }
    return strides
  }

  /// The extents under `binding`.
  /// - Throws: where a symbol is unbound, an extent is negative or leaves 64 bits.
  public func evaluate(_ binding: (Name) -> Int?) throws -> [Int] {
    try extents.map { extent in
      let value = try extent.evaluate(binding)
      guard value >= 0 else { throw HeedError("the extent \(extent) is \(value), expected at least 0") }
      return value
    }
  }
}

extension Shape {
  /// The most dimensions of an array.
  public static let mostDimensions = 64

  /// The number of elements of a shape of known extents.
  ///
  /// Where an extent is 0, the others must still have a product that 64 bits hold, so that strides are numbers too.
  /// - Throws: where an extent is negative, there are too many, or the product overflows.
  public static func elementCount(of shape: [Int]) throws -> Int {
    guard shape.count <= mostDimensions else {
      throw HeedError("got an array of \(shape.count) dimensions, expected at most \(mostDimensions)")
    }
    var count = 1
    for extent in shape {
      guard extent >= 0 else { throw HeedError("got an array of shape \(shape), expected extents of at least 0") }
      let (product, overflow) = count.multipliedReportingOverflow(by: max(1, extent))
      guard !overflow else { throw HeedError("an array of shape \(shape) has more elements than 64 bits count") }
      count = product
    }
    return shape.contains(0) ? 0 : count
  }
}

extension Shape {
  /// What extents that are known must multiply to less than, and the coefficients of the others with them.
  public static let knownElementLimit = 1 << 56

  /// The product of what is known of the extents, as if every symbol were 1 and an extent of 0 too; nil where it reaches the limit.
  package var knownElementCount: Int? {
    var count = 1
    for extent in extents {
      let known = extent.terms.reduce(1) { max($0, $1.coefficient.magnitude) }
      let (product, overflow) = count.multipliedReportingOverflow(by: Int(clamping: known))
      guard !overflow, product < Self.knownElementLimit else { return nil }
      count = product
    }
    return count
  }
}

extension Shape: ExpressibleByArrayLiteral, CustomStringConvertible {
  /// A shape written as a list of numbers, text and extents: `["B", heads, 2 * size, "\(count)*S + 1", x.extent(0)]`.
  public init(arrayLiteral extents: any ExtentConvertible...) { self.init(extents.map(\.extent)) }
  /// The shape as IR writes it: `[B, 64]`.
  public var description: String { "[" + extents.map(\.description).joined(separator: ", ") + "]" }
}

/// The type of a value: an element type and a shape.
public struct TensorType: Hashable, Sendable, CustomStringConvertible {
  /// The type of each element.
  public var element: ElementType
  /// The extents.
  public var shape: Shape

  /// The type of a tensor of `element`s with this shape.
  public init(_ element: ElementType, _ shape: Shape) { (self.element, self.shape) = (element, shape) }

  /// The number of dimensions.
  public var rank: Int { shape.rank }
  /// The type as IR writes it: `f32[B, 64]`; a scalar is its element type alone.
  public var description: String { rank == 0 ? "\(element)" : "\(element)\(shape)" }
}

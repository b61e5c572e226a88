internal import HeedIR

/// What has no digits: `let x: NDArray = [[0, -.infinity], [0, 0]]`.
extension NDArray {
  /// Infinity as a scalar.
  public static var infinity: NDArray { stopping { try NDArray(.infinity as ArrayLiteral) } }
  /// Not a number, as a scalar.
  public static var nan: NDArray { stopping { try NDArray(.nan as ArrayLiteral) } }

  /// Each number negated; integers wrap, and bools stay as they are.
  public static prefix func - (array: NDArray) -> NDArray {
    guard array.element != .bool else { return array }
    let source = array.contiguous()
    let negated = stopping {
      try NDArray(array.element, array.shape) { position in
        let value = source.literal(at: position)
        return value.isReal ? Literal(-value.real) : Literal(0 &- value.integer)
      }
    }
    return NDArray(array.element, negated.layout, negated.storage, isLiteral: array.isLiteral)
  }
}

extension NDArray: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral {
  /// A scalar.
  public init(integerLiteral value: Int64) { self = Self.stopping { try NDArray(.integer(value)) } }
  /// A scalar.
  public init(floatLiteral value: Double) { self = Self.stopping { try NDArray(.real(value)) } }
  /// A scalar.
  public init(booleanLiteral value: Bool) { self = Self.stopping { try NDArray(.bool(value)) } }

  /// Arrays of one shape, stacked along a new first dimension: `[[1, 2], [3, 4]]`, `[row, row]`.
  ///
  /// Arrays of different shapes or types stop the program with a message, since a literal cannot throw. `NDArray([[1, 2], [3, 4]])`
  /// throws instead.
  public init(arrayLiteral elements: NDArray...) { self = Self.stopping { try NDArray(stacking: elements) } }

  /// The arrays along a new first dimension. Literals among them take the type of those that have one.
  /// - Throws: where they are not of one shape and type.
  public init(stacking arrays: [NDArray]) throws {
    guard let first = arrays.first else {
      self.init(.f64, ArrayLayout([0]), try ArrayStorage(reserving: 0, for: "an array"), isLiteral: true)
      return
    }
    let typed = arrays.first { !$0.isLiteral }
    let element = typed?.element ?? arrays.first { $0.element == .f64 }?.element ?? first.element
    let shape = [arrays.count] + first.shape
    let stack = try NDArray(zeros: element, shape)
    for (position, array) in arrays.enumerated() {
      guard array.shape == first.shape else {
        throw HeedError(
          "got an element of shape \(array.shape) at [\(position)] of an array, expected shape \(first.shape), as those before")
      }
      guard array.isLiteral || array.element == element else {
        throw HeedError(
          "got \(array.typeText) at [\(position)] of an array, expected \(element); convert with .converted(to: .\(element))")
      }
      let part = ArrayLayout(first.shape, offset: position * first.count)
      stack.fill(part, from: try array.adapted(to: element, "at [\(position)] of an array"))
    }
    self.init(element, stack.layout, stack.storage, isLiteral: typed == nil)
  }
}

internal import HeedIR

/// An array as written in a program: numbers or bools in nested brackets, or one of them alone.
///
/// The numbers have no type of their own yet, as Swift's literals have none. They take that of the input which the array is passed
/// to: `0.1` is the nearest f32 to an input of type f32. Until then whole numbers are i64, others f64.
public indirect enum ArrayLiteral: Sendable {
  case integer(Int64)
  case real(Double)
  case bool(Bool)
  case list([ArrayLiteral])
}

extension ArrayLiteral: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral
{
  /// A whole number.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .real(value) }
  /// True or false.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A list of numbers, or of lists of the same shape.
  public init(arrayLiteral elements: ArrayLiteral...) { self = .list(elements) }
}

/// What has no digits: `[[0, -.infinity], [0, 0]]`.
extension ArrayLiteral {
  /// Infinity.
  public static let infinity = ArrayLiteral.real(.infinity)
  /// Not a number.
  public static let nan = ArrayLiteral.real(.nan)

  /// The numbers negated; bools stay as they are.
  public static prefix func - (literal: ArrayLiteral) -> ArrayLiteral {
    switch literal {
    case .integer(let value): .integer(0 &- value)
    case .real(let value): .real(-value)
    case .bool: literal
    case .list(let list): .list(list.map { -$0 })
    }
  }
}

extension NDArray {
  /// An array as written: `NDArray([[0.1, 0.2], [0.3, 0.4]])`.
  /// - Throws: where the lists at one depth are not of one length, or bools stand beside numbers.
  public init(_ literal: ArrayLiteral) throws {
    var shape: [Int] = []
    var first = literal
    while case .list(let list) = first {
      shape.append(list.count)
      guard let next = list.first else { break }
      first = next
    }
    var leaves: [ArrayLiteral] = []
    try literal.collect(&leaves, shape, place: [])
    try self.init(leaves: leaves, shape)
  }

  /// An array of numbers as written, in row-major order: `NDArray([1, 2, 3, 4], [2, 2])`.
  /// - Throws: where their number is not that of the shape.
  public init(_ values: ArrayLiteral, _ shape: [Int]) throws {
    let flat = try NDArray(values)
    guard flat.shape.count == 1, flat.count == (try Shape.elementCount(of: shape)) else {
      let got = flat.shape.count == 1 ? "\(flat.count) values" : "values of shape \(flat.shape)"
      throw HeedError("got \(got) for an array of shape \(shape), expected \(try Shape.elementCount(of: shape))")
    }
    self = try flat.reshaped(shape)
  }

  private init(leaves: [ArrayLiteral], _ shape: [Int]) throws {
    let bools = leaves.compactMap { if case .bool(let value) = $0 { value } else { nil } }
    let integers = leaves.compactMap { if case .integer(let value) = $0 { value } else { nil } }
    guard bools.isEmpty || bools.count == leaves.count else {
      throw HeedError("got an array of bools and numbers, expected elements of one kind")
    }
    let array: NDArray
    if !bools.isEmpty {
      array = try NDArray(bools, shape)
    } else if integers.count == leaves.count {
      array = try NDArray(integers, shape)
    } else {
      let reals = leaves.map { leaf in
        switch leaf {
        case .real(let value): value
        case .integer(let value): Double(value)
        case .bool, .list: 0.0
        }
      }
      array = try NDArray(reals, shape)
    }
    self.init(array.element, array.layout, array.storage, isLiteral: true)
  }
}

extension ArrayLiteral {
  /// Appends the numbers in row-major order.
  /// - Throws: where the nesting is not that of `shape`.
  fileprivate func collect(_ leaves: inout [ArrayLiteral], _ shape: [Int], place: [Int]) throws {
    guard case .list(let list) = self else {
      guard place.count == shape.count else {
        throw HeedError("got one number at \(place) of an array, expected a list of \(shape[place.count]), as at the places before")
      }
      return leaves.append(self)
    }
    guard place.count < shape.count else {
      throw HeedError("got a list at \(place) of an array, expected one number, as at the places before")
    }
    guard list.count == shape[place.count] else {
      throw HeedError("got a list of \(list.count) at \(place) of an array, expected one of \(shape[place.count]), as those before")
    }
    for (position, element) in list.enumerated() { try element.collect(&leaves, shape, place: place + [position]) }
  }
}

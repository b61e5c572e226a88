public import HeedArrays
public import HeedIR

/// What a call of a graph returns: arrays by position, in the order of the graph's `return`, or by name.
///
/// ```swift
/// let out = try program(["x": x])
/// out["y"]           // the result called y
/// out[0]             // the first result, whatever its name
/// try out.floats()   // the elements of the only result
/// ```
///
/// The result of a graph that has one needs no name. It is an `NDArray` where one is asked for (`let y: NDArray = try program(inputs)`),
/// and the outputs themselves can be read as an array, printed, or passed to the next call.
public struct Outputs: RandomAccessCollection, Sendable {
  /// The names of the graph's results, by position: what `named(_:)` called it; of one without a name, `result0`, `result1` and so on.
  public let names: [String]
  private let arrays: [NDArray]

  init(names: [String], _ arrays: [NDArray]) { (self.names, self.arrays) = (names, arrays) }

  /// The first position, 0.
  public var startIndex: Int { 0 }
  /// The number of results.
  public var endIndex: Int { arrays.count }
  /// The result at this position of the graph's `return`.
  public subscript(position: Int) -> NDArray {
    guard arrays.indices ~= position else {
      fatalError("Outputs: got the position \(position), expected one inside 0 ..< \(count)")
    }
    return arrays[position]
  }

  /// The result called `name`, or nil.
  public subscript(name: String) -> NDArray? { names.firstIndex(of: name).map { arrays[$0] } }
}

extension Outputs: CustomStringConvertible {
  /// The array of a single result; of several, each with its name.
  public var description: String {
    arrays.count == 1 ? arrays[0].description : zip(names, arrays).map { "\($0): \($1)" }.joined(separator: "\n")
  }
}

// MARK: The only result

extension Outputs: NDArrayConvertible {
  /// The only result.
  /// - Throws: where there is not exactly one; the error lists the names.
  public func array() throws -> NDArray {
    guard arrays.count == 1 else {
      let list = names.map { "'\($0)'" }.joined(separator: ", ")
      throw HeedError(
        "got \(arrays.count) results\(list.isEmpty ? "" : " (\(list))") to be one array, expected a name or a position of one")
    }
    return arrays[0]
  }

  /// The extents of the only result. More than one result stops the program with a message.
  public var shape: [Int] { only.shape }
  /// The element type of the only result. More than one result stops the program with a message.
  public var element: ElementType { only.element }

  private var only: NDArray {
    do { return try array() } catch { fatalError("Outputs: \(error)") }
  }

  /// The elements of the only result, as `NDArray.floats()` reads them.
  public func floats() throws -> [Float] { try array().floats() }
  /// The elements of the only result, as `NDArray.doubles()` reads them.
  public func doubles() throws -> [Double] { try array().doubles() }
  /// The elements of the only result, as `NDArray.ints()` reads them.
  public func ints() throws -> [Int] { try array().ints() }
  /// The elements of the only result, as `NDArray.bools()` reads them.
  public func bools() throws -> [Bool] { try array().bools() }
}

/// What the result of a call can be asked for as, where a graph has only one: `let y: NDArray = try program(inputs)`.
public protocol OnlyResult {
  /// The only result of `outputs`.
  /// - Throws: where there is not exactly one.
  init(only outputs: Outputs) throws
}

extension NDArray: OnlyResult {
  /// The only result of `outputs`.
  /// - Throws: where there is not exactly one; the error lists the names.
  public init(only outputs: Outputs) throws { self = try outputs.array() }
}

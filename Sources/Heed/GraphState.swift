public import HeedArrays
public import HeedIR
internal import HeedInterpreter
internal import HeedModels

/// What the states of graphs hold: weights that are trained, the moments of an optimiser, a cache of keys and values.
///
/// ```swift
/// var state = try graph.initialState(["weight": weights])
/// for batch in batches { let loss: NDArray = try step(batch, updating: &state) }
/// try state.write(to: "state.safetensors")
/// ```
///
/// It is a value: a copy keeps what it holds when the original changes. A call replaces arrays in place where nothing else shares their
/// memory. Several graphs may work on one state, each on the arrays that it has states for.
public struct GraphState: Sendable {
  /// The arrays by name.
  public var arrays: [String: NDArray]

  /// A state of these arrays.
  public init(_ arrays: [String: NDArray] = [:]) { self.arrays = arrays }

  /// The state in a file in the format safetensors.
  /// - Throws: where the file cannot be read or is not what it should be.
  public init(contentsOf path: String) throws {
    arrays = try SafetensorsFile(path: path).arrays()
  }

  /// The names of the arrays, sorted.
  public var names: [String] { arrays.keys.sorted() }

  /// The array of a name; nil where there is none.
  public subscript(name: String) -> NDArray? {
    get { arrays[name] }
    // In place, so that a change of a part does not copy the rest.
    _modify { yield &arrays[name] }
  }

  /// Writes the arrays to a file in the format safetensors: under another name first, which replaces the file when all is on the disk.
  /// - Throws: where the file cannot be written; one that was there before is then untouched.
  public func write(to path: String) throws {
    try SafetensorsFile.write(names.map { ($0, arrays[$0]!) }, to: path, durably: true)
  }
}

extension Graph {
  /// The states in order, which each call reads and may replace: `weight: f32[64, 64]`.
  public var states: [(name: String, type: TensorType)] {
    arguments.filter { $0.role == .state }.map { (name($0.value).text, type($0.value)) }
  }

  /// The state before the first call: the arrays of `given`, and for other states arrays of the number that they begin with.
  /// - Parameters:
  ///   - given: arrays by name; some may be of other graphs.
  ///   - sizes: the values of symbols in shapes of arrays that are made.
  /// - Throws: where a state has no array and no number to begin with, or an extent of one has no value.
  public func initialState(_ given: [String: NDArray] = [:], sizes: [String: Int] = [:]) throws -> GraphState {
    var state = GraphState(given)
    for argument in arguments where argument.role == .state {
      let (name, type) = (name(argument.value).text, type(argument.value))
      guard state[name] == nil else { continue }
      guard let initial = argument.initial else { throw HeedError("got no state '\(name)', expected one of type \(type)") }
      do {
        state[name] = try NDArray(filled: type.element, type.shape.evaluate { sizes[$0.text] }, with: initial)
      } catch let error as HeedError {
        throw error.during("state '\(name)' of type \(type)")
      }
    }
    return state
  }
}

extension NDArray {
  /// An array of one number.
  fileprivate init(filled element: ElementType, _ shape: [Int], with number: Literal) throws {
    try self.init(zeros: element, shape)
    guard number != Literal(0.0), number != Literal(0) else { return }
    var array = ReferenceArray(element, shape)
    for position in 0..<array.count { array[position] = number }
    self = try NDArray(array)
  }
}

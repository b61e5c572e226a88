public import HeedArrays
internal import HeedIR
internal import HeedModels

/// The rows of arrays: `["x": f32[N, 4], "label": i32[N]]` has N samples, and batches `x: f32[B, 4]` and `label: i32[B]`.
public struct ArrayRows: Dataset {
  /// The number of rows.
  public let count: Int
  private let arrays: [String: NDArray]

  /// The rows of these arrays.
  /// - Throws: `HeedError` where there is none, one is a scalar, or they do not have the same number of rows.
  public init(_ arrays: [String: NDArray]) throws {
    let sorted = arrays.sorted { $0.key < $1.key }
    guard let first = sorted.first else { throw HeedError("got no arrays, expected at least one with rows") }
    for (name, array) in sorted where array.shape.isEmpty {
      throw HeedError("got a scalar called \(JSON.shown(name)), expected an array with rows")
    }
    count = first.value.shape[0]
    for (name, array) in sorted where array.shape[0] != count {
      throw HeedError(
        "got \(array.shape[0]) rows of \(JSON.shown(name)), expected \(count) as of \(JSON.shown(first.key))")
    }
    self.arrays = arrays.mapValues { $0.contiguous() }
  }

  /// The rows of the tensors in a safetensors file, which stay in the file until they are used.
  /// - Parameter names: which tensors; all where nil.
  /// - Throws: `HeedError` that names the file, where it cannot be read, or its tensors are not as `init(_:)` expects them.
  public init(safetensors path: String, names: [String]? = nil) throws {
    let file = try SafetensorsFile(path: path)
    let arrays = try (names ?? file.names).map { ($0, try file.array($0)) }
    do {
      try self.init(Dictionary(arrays, uniquingKeysWith: { first, _ in first }))
    } catch let error as HeedError {
      throw error.during("reading \(path)")
    }
  }

  /// These rows of each array.
  /// - Throws: `HeedError` where they do not fit the memory.
  public func batch(_ samples: [Int]) throws -> [String: NDArray] {
    check(samples)
    return try arrays.mapValues { array in
      let result = try NDArray(zeros: array.element, [samples.count] + array.shape.dropFirst())
      let width = array.byteCount / max(count, 1)
      withExtendedLifetime((result.storage, array.storage)) {
        let (target, source) = (result.mutableBytes, array.bytes)
        for (row, sample) in samples.enumerated() {
          UnsafeMutableRawBufferPointer(rebasing: target[row * width..<(row + 1) * width])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[sample * width..<(sample + 1) * width]))
        }
      }
      return result
    }
  }
}

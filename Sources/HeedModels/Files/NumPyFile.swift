public import HeedArrays
import HeedIR
internal import HeedSystem

/// NumPy's array files (`.npy`, format versions 1.0, 2.0 and 3.0), little-endian.
///
/// Element types: `<f8 <f4 <f2 <i8 <i4 |i1 |u1 |b1`. An array in Fortran order is transposed while it is read, so that the
/// result is in row-major order always. NumPy has no bfloat16: keep such arrays in a `.safetensors` file.
/// Source: numpy.lib.format.
public enum NumPyFile {
  /// Reads the array in the file at `path`, which may be a pipe.
  /// - Throws: `HeedError` in one line that names the file, where it cannot be read, is not a `.npy` file, or is cut short or too
  ///   long. Also where it holds a type that Heed does not have, or a boolean that is neither 0 nor 1.
  public static func read(_ path: String) throws -> NDArray {
    let bytes = try FileBytes.read(path)
    do {
      return try bytes.withUnsafeBytes { try decode($0) }
    } catch let error as HeedError {
      throw error.during("reading \(path)")
    }
  }

  /// Reads the array in the bytes of a `.npy` file.
  /// - Throws: `HeedError` as `read` does, without the file's name.
  public static func decode(_ bytes: UnsafeRawBufferPointer) throws -> NDArray {
    let (header, start) = try NumPyHeader.parse(bytes)
    let data = UnsafeRawBufferPointer(rebasing: bytes[start...])
    let (byteCount, overflow) = try Shape.elementCount(of: header.shape).multipliedReportingOverflow(by: header.element.byteCount)
    guard !overflow, data.count == byteCount else {
      let expected = overflow ? "more bytes than 64 bits count" : "\(byteCount)"
      throw HeedError("got \(data.count) bytes after the header, expected \(expected) for \(header.element)\(header.shape)")
    }
    if header.element == .bool { try checkBooleans(data) }
    let array = try NDArray(zeros: header.element, header.shape)
    if header.isFortranOrder {
      copyTransposing(data, to: array)
    } else {
      array.storage.bytes.copyMemory(from: data)
    }
    return array
  }

  /// Writes `array` to the file at `path`, in format version 1.0.
  /// - Throws: `HeedError` where NumPy has no such element type (bf16) or the file cannot be written.
  public static func write(_ array: NDArray, to path: String) throws {
    let header: [UInt8]
    do {
      header = try NumPyHeader.encode(array)
    } catch let error as HeedError {
      throw error.during("writing \(path)")
    }
    let array = try array.packed()
    try header.withUnsafeBytes { header in
      try withExtendedLifetime(array.storage) { try FileBytes.write([header, array.bytes], to: path) }
    }
  }

  /// The bytes of a `.npy` file of `array`.
  /// - Throws: `HeedError` where NumPy has no such element type (bf16).
  public static func encode(_ array: NDArray) throws -> [UInt8] {
    let array = try array.packed()
    return try withExtendedLifetime(array.storage) { try NumPyHeader.encode(array) + array.bytes }
  }

  /// Copies elements stored with the first index running fastest.
  private static func copyTransposing(_ data: UnsafeRawBufferPointer, to array: NDArray) {
    let (width, shape) = (array.element.byteCount, array.shape)
    guard array.count > 0, !shape.isEmpty else { return array.storage.bytes.copyMemory(from: data) }
    var strides = [Int](repeating: width, count: shape.count)
    for dim in 1..<shape.count { strides[dim] = strides[dim - 1] * shape[dim - 1] }
    var index = [Int](repeating: 0, count: shape.count)
    var source = 0
    for target in stride(from: 0, to: data.count, by: width) {
      for byte in 0..<width { array.storage.bytes[target + byte] = data[source + byte] }
      var dim = shape.count - 1
      while dim >= 0 {
        index[dim] += 1
        source += strides[dim]
        guard index[dim] == shape[dim] else { break }
        source -= strides[dim] * shape[dim]
        index[dim] = 0
        dim -= 1
      }
    }
  }
}

/// - Throws: `HeedError` where a byte of a boolean array is neither 0 nor 1: Swift's `Bool` has no other values.
func checkBooleans(_ bytes: UnsafeRawBufferPointer) throws {
  if let index = bytes.firstIndex(where: { $0 > 1 }) {
    throw HeedError("got the byte \(bytes[index]) in element \(index) of an array of bool, expected 0 or 1")
  }
}

public import HeedArrays
import HeedIR

/// One array in a file, `.npy` or `.safetensors` by the end of the file's name.
public enum ArrayFile {
  /// Reads an array from the file at `path`. Of a `.safetensors` file that is the tensor called `name`, or else the only one.
  /// - Throws: `HeedError` that names the file, where its name ends otherwise, it cannot be read or does not say which tensor is
  ///   meant.
  public static func read(_ path: String, name: String) throws -> NDArray {
    guard try isSafetensors(path) else { return try NumPyFile.read(path) }
    let file = try SafetensorsFile(path: path)
    if file.entry(name) == nil, file.entries.count == 1 { return try file.array(file.entries[0].name) }
    return try file.array(name)
  }

  /// Writes `array` to the file at `path`, in a `.safetensors` file as the tensor called `name`.
  /// - Throws: `HeedError` that names the file, where its name ends otherwise, its format lacks the element type, or it cannot be
  ///   written.
  public static func write(_ array: NDArray, name: String, to path: String) throws {
    if try isSafetensors(path) {
      try SafetensorsFile.write([(name, array)], to: path)
    } else {
      try NumPyFile.write(array, to: path)
    }
  }

  private static func isSafetensors(_ path: String) throws -> Bool {
    if path.hasSuffix(".safetensors") { return true }
    guard path.hasSuffix(".npy") else { throw HeedError("got the file \(JSON.shown(path)), expected a .npy or .safetensors file") }
    return false
  }
}

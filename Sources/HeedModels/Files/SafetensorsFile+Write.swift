public import HeedArrays
import HeedIR
internal import HeedSystem

extension SafetensorsFile {
  /// Writes arrays to a safetensors file at `path`. Wider element types come first, so that every array is aligned to its own;
  /// the data begins at a multiple of 64 bytes. The same arrays result in the same bytes.
  /// - Parameter durably: whether the file is on the disk when the function returns, so that it outlives a loss of power.
  /// - Throws: `HeedError` where two arrays have one name, a name is `__metadata__`, or the file cannot be written.
  public static func write(
    _ arrays: [(name: String, array: NDArray)], metadata: [String: String] = [:], to path: String, durably: Bool = false
  ) throws {
    var names: Set<String> = ["__metadata__"]
    for (name, _) in arrays where !names.insert(name).inserted {
      throw HeedError("writing \(path): got an array called \(JSON.shown(name)), expected a name of its own")
    }
    let sorted = try arrays.map { (name: $0.name, array: try $0.array.packed()) }
      .sorted { ($1.array.element.byteCount, $0.name) < ($0.array.element.byteCount, $1.name) }
    let header = header(sorted, metadata: metadata)
    try header.withUnsafeBytes { header in
      try withExtendedLifetime(sorted) {
        try FileBytes.write([header] + sorted.map { $0.array.bytes }, to: path, durably: durably)
      }
    }
  }

  private static func header(_ arrays: [(name: String, array: NDArray)], metadata: [String: String]) -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key < $1.key }.map { "\(JSON.quoted($0.key)):\(JSON.quoted($0.value))" }
      members.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
    }
    var offset = 0
    for (name, array) in arrays {
      let type = SafetensorsHeader.types.first { $0.element == array.element }!.name
      let shape = array.shape.map { "\($0)" }.joined(separator: ",")
      let end = offset + array.byteCount
      members.append("\(JSON.quoted(name)):{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var text = Array("{\(members.joined(separator: ","))}".utf8)
    text += Array(repeating: 0x20, count: (64 - (8 + text.count) % 64) % 64)
    return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
  }
}

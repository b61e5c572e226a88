import Foundation
import HeedIR
import Testing

/// Calls `body` with the path of a new empty folder, which is removed afterwards.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("heed-" + UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// Calls `body` with the path of a new file of these bytes.
func withFile<Result>(_ bytes: some Sequence<UInt8>, _ body: (String) throws -> Result) throws -> Result {
  try withTemporaryFolder { folder in
    try Data(bytes).write(to: URL(fileURLWithPath: folder + "/file"))
    return try body(folder + "/file")
  }
}

/// The headline of the error that `body` throws; fails the test where it throws none.
func headline(_ location: Testing.SourceLocation = #_sourceLocation, of body: () throws -> some Any) -> String {
  do {
    _ = try body()
    Issue.record("no error was thrown", sourceLocation: location)
    return ""
  } catch let error as HeedError {
    #expect(!error.headline.contains { $0.isNewline }, sourceLocation: location)
    return error.headline
  } catch {
    Issue.record("\(error) is not a HeedError", sourceLocation: location)
    return ""
  }
}

/// The headline of the error that reading a file of `text` throws, with `FILE` for the file's path.
func headline(
  reading text: some Sequence<UInt8>, _ location: Testing.SourceLocation = #_sourceLocation, _ body: (String) throws -> some Any
) -> String {
  var path = ""
  let got = headline(location) {
    try withFile(text) {
      path = $0
      return try body($0)
    }
  }
  return got.replacingOccurrences(of: path, with: "FILE")
}

/// A small seeded generator (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }

  /// One of `values`.
  mutating func pick<Value>(_ values: [Value]) -> Value { values.randomElement(using: &self)! }
}

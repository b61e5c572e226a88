import Foundation
import HeedIR
import HeedTestSupport
import Testing

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

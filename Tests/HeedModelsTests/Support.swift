import Foundation
import HeedIR
import Testing

/// Where the tests' files are.
enum TestFiles {
  /// The root of the repository.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// A file under Tests/Resources.
  static func resource(_ name: String) -> String { root + "/Tests/Resources/" + name }
}

/// The pretrained model that some tests need: the folder `HEED_MODEL`, or else what `scripts/fetch-model.sh` made.
enum TestModel {
  private static let named = ProcessInfo.processInfo.environment["HEED_MODEL"].flatMap { $0.isEmpty ? nil : $0 }

  static let path = named ?? TestFiles.root + "/.cache/all-MiniLM-L6-v2"

  /// False where no folder is named and the usual one is absent. A named folder must be there, so that CI cannot skip by accident.
  static let isThere = named != nil || FileManager.default.fileExists(atPath: path + "/vocab.txt")

  static let skipMessage: Comment = "no model: run scripts/fetch-model.sh, or name a folder in HEED_MODEL"
}

/// The message of the error that `body` throws, which must be one line; fails the test where it throws none.
func message(_ location: Testing.SourceLocation = #_sourceLocation, of body: () throws -> some Any) -> String {
  do {
    _ = try body()
    Issue.record("no error was thrown", sourceLocation: location)
    return ""
  } catch let error as HeedError {
    #expect(!error.description.contains { $0.isNewline }, sourceLocation: location)
    return error.message
  } catch {
    Issue.record("\(error) is no HeedError", sourceLocation: location)
    return ""
  }
}

import HeedIR
import HeedTestSupport

/// What a file can ask for by its first line. A command is one file in Commands/ and an entry of `all`.
struct FiletestCommand: Sendable {
  let name: String
  /// Gives the case as it should be: with the expectations that hold. A case that comes back unchanged passes.
  ///
  /// An error that it throws is compared with the case's `// error:` line.
  let run: @Sendable (_ test: Filetest.Case, _ arguments: [String], _ path: String) throws -> Filetest.Case

  static let all: [FiletestCommand] = [.roundtrip, .verify, .pass, .analysis, .lower, .codegen, .run]

  static func named(_ name: String) throws -> FiletestCommand {
    guard let command = all.first(where: { $0.name == name }) else {
      throw HeedError("got the command '\(name)', expected one of \(all.map(\.name).joined(separator: ", "))")
    }
    return command
  }
}

extension FiletestCommand {
  /// Runs the command on a case; errors of the user's are the case's to expect.
  func result(_ test: Filetest.Case, _ arguments: [String], _ path: String) throws -> Filetest.Case {
    do {
      var result = try run(test, arguments, path)
      result.header.removeAll { $0.hasPrefix(ErrorExpectation.prefix) }
      return result
    } catch let error as HeedError {
      let lines = test.header.filter { $0.hasPrefix(ErrorExpectation.prefix) }
      if lines.count == 1, ErrorExpectation(lines[0]).matches(error) { return test }
      var result = test
      result.header.removeAll { $0.hasPrefix(ErrorExpectation.prefix) }
      result.header.append(ErrorExpectation(error).line)
      return result
    }
  }
}

/// `// error: LINE:COLUMN: TEXT`, or without a place: an error at that place whose message contains the text. Lines count from the
/// first line of the case's IR.
struct ErrorExpectation {
  static let prefix = "// error: "

  private let place: String?
  private let message: String

  init(_ line: String) {
    let rest = line.dropFirst(Self.prefix.count)
    if let match = rest.prefixMatch(of: #/(\d+:\d+): /#) {
      (place, message) = (String(match.1), String(rest[match.range.upperBound...]))
    } else {
      (place, message) = (nil, String(rest))
    }
  }

  init(_ error: HeedError) {
    place = error.location.map { "\($0.line):\($0.column)" }
    message = error.message
  }

  var line: String { Self.prefix + (place.map { "\($0): " } ?? "") + message }

  func matches(_ error: HeedError) -> Bool {
    place == error.location.map { "\($0.line):\($0.column)" } && !message.isEmpty && error.message.contains(message)
  }
}

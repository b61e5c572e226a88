package import Foundation
internal import HeedIR

/// A file of Tests/Filetests: a command and cases for it.
///
///     // test COMMAND ARGUMENT ...      the first line: what to do with every case of the file
///     // a comment, or a directive such as `input`, `bind`, `error`
///     graph @f(%x: f32[S]) { ... }      the case's IR
///     // ----- expected                 a section: what the command should give
///     ...
///     // -----                          the next case; one without IR has that of the case before
///
/// Tests/Filetests/README.md tells how to write one. With `BLESS=1` in the environment the expectations are rewritten in place.
package struct Filetest: Sendable {
  package let path: String
  package let command: String
  package let arguments: [String]
  package var cases: [Case]

  package struct Case: Equatable, Sendable {
    /// The comment lines before the IR.
    package var header: [String]
    package var ir: [String]
    package var sections: [Section] = []
    /// The number of the first line of `header`, from 1.
    package var line: Int
    /// What this case reads: its own IR, that of the file which `// from FILE` names, or the last one above.
    package var source: String
  }

  package struct Section: Equatable, Sendable {
    package var name: String
    package var lines: [String]
  }

  /// The folder Tests/Filetests.
  package static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
    path: "Filetests")

  /// The paths of all files, relative to `folder`, in order.
  package static let allPaths: [String] = {
    let found = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    return found.filter { $0.hasSuffix(".heed") }.sorted()
  }()

  /// - Throws: where the file cannot be read or its first line is no command.
  package init(path: String) throws {
    self.path = path
    let text = try String(contentsOf: Self.folder.appending(path: path), encoding: .utf8)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard let first = lines.first, first.hasPrefix("// test ") else {
      throw HeedError("\(path): got '\(lines.first ?? "")', expected a first line such as '// test roundtrip'")
    }
    let words = first.split(separator: " ").dropFirst(2).map(String.init)
    guard let command = words.first else { throw HeedError("\(path): got no command after '// test'") }
    self.command = command
    arguments = Array(words.dropFirst())
    cases = []
    var start = 0
    for position in lines.indices where lines[position] == Self.separator || position == lines.count - 1 {
      let end = lines[position] == Self.separator ? position : position + 1
      cases.append(try Self.makeCase(Array(lines[start..<end]), at: start + 1, after: cases.last))
      start = position + 1
    }
  }

  private static let separator = "// -----"
  private static let sectionPrefix = "// ----- "

  /// The text of the file that a line `// from kernels/linear.heed` of the header names.
  private static func included(_ header: [String]) throws -> String? {
    guard let line = header.first(where: { $0.hasPrefix("// from ") }) else { return nil }
    return try String(contentsOf: folder.appending(path: String(line.dropFirst("// from ".count))), encoding: .utf8)
  }

  private static func makeCase(_ lines: [String], at line: Int, after previous: Case?) throws -> Case {
    let header = Array(lines.prefix { $0.hasPrefix("//") && !$0.hasPrefix(sectionPrefix) })
    let ir = Array(lines.dropFirst(header.count).prefix { !$0.hasPrefix(sectionPrefix) })
    var sections: [Section] = []
    for text in lines.dropFirst(header.count + ir.count) {
      if text.hasPrefix(sectionPrefix) {
        sections.append(Section(name: String(text.dropFirst(sectionPrefix.count)), lines: []))
      } else {
        sections[sections.count - 1].lines.append(text)
      }
    }
    let isEmpty = ir.allSatisfy { $0.allSatisfy(\.isWhitespace) }
    let source = try isEmpty ? included(header) ?? previous?.source ?? "" : ir.joined(separator: "\n")
    return Case(header: header, ir: ir, sections: sections, line: line, source: source)
  }

  /// The file's text.
  package var text: String {
    cases.map { test in
      (test.header + test.ir + test.sections.flatMap { [Self.sectionPrefix + $0.name] + $0.lines }).joined(separator: "\n")
    }.joined(separator: "\n\(Self.separator)\n")
  }

  package func write() throws {
    let text = text.hasSuffix("\n") ? text : text + "\n"
    try text.write(to: Self.folder.appending(path: path), atomically: true, encoding: .utf8)
  }
}

extension Filetest.Case {
  /// What stands after `// key` in the header, for each such line.
  package func directives(_ key: String) -> [String] {
    header.compactMap { line in
      let prefix = "// \(key)"
      guard line.hasPrefix(prefix) else { return nil }
      let rest = line.dropFirst(prefix.count)
      guard let next = rest.first, next == " " || next == ":" else { return nil }
      return rest.dropFirst().trimmingCharacters(in: .whitespaces)
    }
  }

  /// The lines of the section `name` without empty ones at the ends, or nil where there is none.
  package func section(_ name: String) -> [String]? { sections.first { $0.name == name }.map { Self.trimmed($0.lines) } }

  /// Replaces the section's lines, or adds it.
  package mutating func setSection(_ name: String, _ lines: [String]) {
    if let position = sections.firstIndex(where: { $0.name == name }) {
      if Self.trimmed(sections[position].lines) != lines { sections[position].lines = lines }
    } else {
      sections.append(Filetest.Section(name: name, lines: lines))
    }
  }

  /// Replaces the case's IR.
  package mutating func setIR(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if Self.trimmed(ir) != lines { ir = lines }
  }

  private static func trimmed(_ lines: [String]) -> [String] {
    let isEmpty = { (line: String) in line.allSatisfy(\.isWhitespace) }
    guard let first = lines.firstIndex(where: { !isEmpty($0) }), let last = lines.lastIndex(where: { !isEmpty($0) }) else {
      return []
    }
    return Array(lines[first...last])
  }
}

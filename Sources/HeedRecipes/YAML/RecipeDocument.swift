internal import HeedIR
internal import HeedSystem
internal import Yams

extension RecipeValue {
  /// The one document of a YAML file.
  /// - Throws: `HeedError` of one line with the file and its line, where it cannot be read or is not YAML.
  init(contentsOf path: String) throws {
    try self.init(yaml: FileBytes.readText(path), file: path)
  }

  /// The one document of a text in YAML.
  init(yaml text: String, file: String) throws {
    try Self.checkNesting(text, file)
    do {
      guard let node = try Parser(yaml: text).singleRoot() else {
        throw HeedError("got an empty file, expected a recipe", at: SourceLocation(file: file, line: 1))
      }
      self.init(node, file: file)
    } catch let error as YamlError {
      throw error.heedError(file)
    }
  }

  /// The parser calls itself for what is nested: this bounds how deep.
  private static func checkNesting(_ text: String, _ file: String) throws {
    var opened = 0
    for (number, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      opened += line.count { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "{") }
      guard line.count <= 4096, opened <= 1000 else {
        let got = opened > 1000 ? "more than 1000 brackets" : "a line of \(line.count) bytes, expected at most 4096"
        throw HeedError("got \(got)", at: SourceLocation(file: file, line: number + 1))
      }
    }
  }
}

extension YamlError {
  /// The same in one line.
  fileprivate func heedError(_ file: String) -> HeedError {
    func located(_ problem: String, _ context: Context?, _ mark: Mark) -> HeedError {
      let when = context.map { " \($0.text)" } ?? ""
      return HeedError(
        "got text that is not YAML:\(when) \(problem)", at: SourceLocation(file: file, line: mark.line, column: mark.column))
    }
    switch self {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      return located(problem, context, mark)
    case .duplicatedKeysInMapping(let keys, let context):
      return located("the key \(keys.sorted().joined(separator: ", ")) stands there twice", nil, context.mark)
    case .reader(let problem, _, _, _):
      return HeedError("got text that is not YAML: \(problem)", at: SourceLocation(file: file, line: 1))
    default:
      return HeedError("got text that is not YAML: \(self)", at: SourceLocation(file: file, line: 1))
    }
  }
}

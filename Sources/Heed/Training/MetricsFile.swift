internal import HeedIR
internal import HeedModels
internal import HeedSystem

/// The numbers of a run as JSONL: an object per step, and one per evaluation.
///
/// ```json
/// {"step": 100, "epoch": 0, "loss": 2.31, "learning_rate": 3e-04, "seconds": 0.0123, "samples": 16, "tokens": 1024}
/// {"step": 100, "epoch": 0, "evaluation_loss": 2.42, "is_best": true, "seconds": 0.104}
/// ```
struct MetricsFile {
  /// A line of the file.
  struct Line {
    var step: Int
    var epoch: Int
    /// Names and numbers; those of an evaluation begin with `evaluation_`.
    var values: [(name: String, value: Double)]
    /// Whether an evaluation found the best number so far; nil for a step.
    var isBest: Bool?
    var seconds: Double
    var samples = 0
    var tokens = 0

    subscript(name: String) -> Double? { values.first { $0.name == name }?.value }
  }

  /// Names that the file has of its own.
  static let reservedNames: Set = ["step", "epoch", "is_best", "seconds", "samples", "tokens"]

  private let path: String
  private let file: LineFile

  /// Opens the file at `path`, which is this run's from then on.
  /// - Throws: `HeedError` where it cannot be opened, or another process writes to it.
  init(path: String) throws { (self.path, file) = (path, try LineFile(path: path)) }

  /// The bytes of the lines up to a place of the run.
  /// - Parameters:
  ///   - step: the last step whose line counts.
  ///   - evaluatedStep: the last step whose evaluation counts.
  ///   - visit: sees the lines that count.
  /// - Throws: `HeedError` where the file cannot be read, or has a line that is not such an object.
  func byteCount(upTo step: Int, evaluatedStep: Int?, visit: (Line) -> Void) throws -> Int {
    let reader = try LineReader(path)
    let whole = try file.byteCount()
    var (kept, number) = (0, 0)
    while let text = try reader.next() {
      number += 1
      // The end of a line that a process did not write to its end.
      guard kept + text.count + 1 <= whole else { break }
      guard let line = Line(text) else {
        throw HeedError("\(path):\(number): got a line that is not an object with a step, expected the numbers of a run")
      }
      guard line.step <= (line.isBest == nil ? step : evaluatedStep ?? -1) else { break }
      visit(line)
      kept += text.count + 1
    }
    return kept
  }

  /// Cuts off what is behind the first `byteCount` bytes.
  /// - Throws: `HeedError` where it cannot be cut.
  func cut(to byteCount: Int) throws { try file.cut(to: byteCount) }

  /// Appends a line.
  /// - Throws: `HeedError` where it cannot be written.
  func append(_ line: Line) throws { try file.append(line.text) }

  /// Waits until all lines are on the disk.
  func synchronize() throws { try file.synchronize() }
}

extension MetricsFile.Line {
  /// The line as JSON; a number that is not finite is null.
  var text: String {
    var members = [("step", JSON(step)), ("epoch", JSON(epoch))] + values.map { ($0.name, JSON($0.value)) }
    if let isBest { members.append(("is_best", .bool(isBest))) }
    members.append(("seconds", JSON((seconds * 1e6).rounded() / 1e6)))
    if isBest == nil { members += [("samples", JSON(samples)), ("tokens", JSON(tokens))] }
    return "{" + members.map { "\(JSON.quoted($0.0)): \($0.1.text)" }.joined(separator: ", ") + "}"
  }

  /// The line that `text` wrote; nil for another text.
  init?(_ text: [UInt8]) {
    guard let members = (try? JSON(parsing: text))?.members, let step = members["step"]?.integer else { return nil }
    self.init(
      step: step, epoch: members["epoch"]?.integer ?? 0,
      values: members.compactMap { name, value in value.double.map { (name, $0) } }, isBest: members["is_best"]?.bool,
      seconds: members["seconds"]?.double ?? 0, samples: members["samples"]?.integer ?? 0, tokens: members["tokens"]?.integer ?? 0)
  }
}

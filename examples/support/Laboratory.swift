import Foundation
import Heed

/// What an example measures with: how long it may take, which seeds it tries, where its pictures go, and what it found.
package final class Laboratory {
  /// The short form: fewer steps, the same claims.
  let isShort: Bool
  /// The seeds of everything random: at least five, three in the short form.
  let seeds: [Int]
  /// The folder of pictures; nil where none are drawn.
  let folder: String?
  private let example: Example
  /// By claim, its numbers: one for each seed where it depends on one.
  package private(set) var found: [String: [Double]] = [:]

  package init(_ example: Example, isShort: Bool, folder: String?) {
    (self.example, self.isShort, self.folder) = (example, isShort, folder)
    seeds = Array(1...(isShort ? 3 : 5))
  }

  /// One of two numbers: the first in the short form.
  func short(_ short: Int, full: Int) -> Int { isShort ? short : full }

  /// Notes the numbers of a claim, one for each seed, or one that no seed changes.
  package func measure(_ claim: String, _ values: Double...) { measure(claim, values) }

  /// Notes the numbers of a claim.
  func measure(_ claim: String, _ values: [Double]) {
    precondition(
      example.claims.contains { $0.name == claim }, "\(example.name): got a measurement of '\(claim)', which is no claim")
    found[claim, default: []] += values
  }

  /// Whether an example's data is there; says so where it is not. The claims measured on it are skipped then.
  func has(_ data: ExampleData) -> Bool {
    if !data.isThere { say(data.absence) }
    return data.isThere
  }

  /// Says something that is not judged.
  func say(_ text: String) { printLine("  \(text)") }

  /// Draws a picture, `NAME.svg` and `NAME.png` for the example, or `NAME-PART` where it has several.
  func draw(_ picture: some Picture, _ part: String? = nil) throws {
    guard let folder else { return }
    let stem = "\(folder)/\(example.name)\(part.map { "-\($0)" } ?? "")"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for format in PictureFormat.allCases { try picture.draw(to: "\(stem).\(format.rawValue)", as: format) }
  }
}

/// Prints a line at once, wherever it goes.
func printLine(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

/// The file formats of pictures.
enum PictureFormat: String, CaseIterable { case svg, png }

/// What can be drawn.
protocol Picture {
  /// Writes the picture to a file.
  /// - Throws: where the program that draws it is not there or fails.
  func draw(to path: String, as format: PictureFormat) throws
}

/// Runs a program of Debian's on a text.
func runTool(_ name: String, _ arguments: [String], on text: String, package: String) throws {
  let file = FileManager.default.temporaryDirectory.appending(path: "heed-\(UUID().uuidString).txt")
  try text.write(to: file, atomically: true, encoding: .utf8)
  defer { try? FileManager.default.removeItem(at: file) }
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = [name] + arguments + [file.path]
  try process.run()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else {
    let reason =
      process.terminationStatus == 127 ? "it is not there: apt-get install \(package)" : "exit status \(process.terminationStatus)"
    throw HeedError("\(name) could not draw a picture: \(reason)")
  }
}

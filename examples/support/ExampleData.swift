import Foundation
package import Heed

/// A table that an example reads and that the repository does not hold: `scripts/fetch-example-data.sh` fetches it.
package struct ExampleData: Sendable {
  /// The name of its file.
  package let file: String
  /// Its columns, where the file does not name them.
  private let columns: [String]?

  package init(file: String, columns: [String]? = nil) { (self.file, self.columns) = (file, columns) }

  package static let all = [digits, promoters, spliceSites]
  /// 1,797 handwritten digits: 64 pixels from 0 to 16, row by row, and the class.
  package static let digits = ExampleData(file: "digits.csv", columns: (0..<64).map { "pixel\($0)" } + ["class"])
  /// 106 sequences of E. coli: a class, + or -, and 57 bases in small letters.
  package static let promoters = ExampleData(file: "promoters.csv")
  /// 3,186 sequences of primates: a class, ei where an exon ends in the middle, ie where one begins, n where neither, and 60 bases in small
  /// letters.
  package static let spliceSites = ExampleData(file: "splice-sites.csv")

  /// Whether a folder is named in HEED_EXAMPLE_DATA.
  package static let isNamed = named != nil
  private static let named = ProcessInfo.processInfo.environment["HEED_EXAMPLE_DATA"].flatMap { $0.isEmpty ? nil : $0 }

  /// The folders that may hold it: the one named in HEED_EXAMPLE_DATA, or else .cache/example-data of the working directory or of the
  /// package.
  private static let folders =
    named.map { [$0] }
    ?? [".", URL(filePath: #filePath).appending(path: "../../..").standardized.path].map { "\($0)/.cache/example-data" }

  private var path: String? {
    Self.folders.map { "\($0)/\(file)" }.first { FileManager.default.fileExists(atPath: $0) }
  }

  /// False where no folder is named and the usual ones lack the file. A named folder must have it, so that CI cannot skip by accident.
  package var isThere: Bool { Self.isNamed || path != nil }

  /// What is said where it is not there.
  package var absence: String { "no \(file): run scripts/fetch-example-data.sh, or name a folder in HEED_EXAMPLE_DATA" }

  /// The table.
  package func table() throws -> Table {
    guard let path else { throw HeedError("got no \(file) in \(Self.folders.joined(separator: " and ")): \(absence)") }
    return try Table(csv: path, columns: columns)
  }
}

import Foundation
import Heed

/// A file that a picture is written to, as SVG or, by `rsvg-convert`, as PNG.
struct PictureFile {
  private let path: String
  private let isPNG: Bool

  /// - Throws: where the name ends in neither .svg nor .png.
  init(_ path: String) throws {
    self.path = path
    guard path.hasSuffix(".svg") || path.hasSuffix(".png") else {
      throw HeedError("got the file \(path) for a picture, expected a name that ends in .svg or .png")
    }
    isPNG = path.hasSuffix(".png")
  }

  /// - Throws: where the file cannot be written, or there is no `rsvg-convert`.
  func write(_ svg: String) throws {
    guard isPNG else { return try FileBytes.write(svg, to: path) }
    let picture = try converted(svg)
    try picture.withUnsafeBytes { try FileBytes.write([$0], to: path) }
  }

  /// The bytes of the picture as PNG.
  private func converted(_ svg: String) throws -> Data {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    guard
      let tool = folders.map({ "\($0)/rsvg-convert" }).first(where: { FileManager.default.isExecutableFile(atPath: $0) })
    else {
      throw HeedError(
        "cannot write \(path): got no rsvg-convert, expected Debian's package librsvg2-bin (apt install librsvg2-bin)")
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = ["--zoom", "2"]
    let (input, output) = (Pipe(), Pipe())
    (process.standardInput, process.standardOutput) = (input, output)
    try process.run()
    // It reads all before it writes. Where it stops reading, its status says so.
    try? input.fileHandleForWriting.write(contentsOf: Data(svg.utf8))
    try? input.fileHandleForWriting.close()
    let picture = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0, !picture.isEmpty else {
      throw HeedError("cannot write \(path): rsvg-convert failed with status \(process.terminationStatus)")
    }
    return picture
  }
}

internal import Foundation
internal import Heed

extension OutputRecipe {
  /// Makes the folder of an output that is a file, before the work that makes the output.
  /// - Throws: `HeedError` where the folder cannot be made or written to, or the file would be one of the run's own.
  func checkFile() throws {
    let folder = (output as NSString).deletingLastPathComponent
    if !folder.isEmpty {
      do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
        throw HeedError("cannot make the folder \(folder): \((error as NSError).localizedDescription)")
      }
    }
    try FileBytes.check([OutputPath("the output", output)])
    func standard(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path }
    let name = (output as NSString).lastPathComponent
    let isOfRun = ["metrics.jsonl", "loss.svg", "best.safetensors"].contains(name) || name.hasPrefix("checkpoint-")
    guard !isOfRun || standard(folder) != standard(runFolder) else {
      throw HeedError("got the output \(output), expected a file that the run in \(runFolder) does not write itself")
    }
  }
}

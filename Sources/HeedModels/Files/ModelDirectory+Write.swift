import Foundation
public import HeedArrays
import HeedIR
internal import HeedSystem

extension ModelDirectory {
  /// Writes the model to another folder with other weights: `model.safetensors` with the same names, types and metadata, and the configuration
  /// and the tokenizer as they are. What else is there in the folder stays, and files are replaced one by one, the weights last.
  /// All are on the disk when the function returns.
  /// - Parameter weights: arrays by name, of the types of the file's; those that are missing keep the weights of this model.
  /// - Throws: `HeedError` where the folder is this one or a file cannot be written; where the file has no tensor of a name, or one of
  ///   another type or shape.
  public func write(weights: [String: NDArray], to folder: String) throws {
    let file = try self.weights()
    for (name, array) in weights.sorted(by: { $0.key < $1.key }) {
      guard let entry = file.entry(name) else { throw HeedError("got the weight '\(name)', expected a tensor of \(file.path)") }
      guard entry.element == array.element, entry.shape == array.shape else {
        throw HeedError(
          "weight '\(name)': got \(array.element)\(array.shape), expected \(entry.typeName)\(entry.shape) of \(file.path)")
      }
    }
    try check(output: folder)
    try Self.createFolder(folder)
    for name in try carriedFiles() {
      let target = "\(folder)/\(name)"
      try Self.createFolder((target as NSString).deletingLastPathComponent)
      let bytes = try FileBytes.read("\(path)/\(name)")
      try bytes.withUnsafeBytes { try FileBytes.write([$0], to: target, durably: true) }
    }
    let arrays = try file.names.map { (name: $0, array: try weights[$0] ?? file.array($0)) }
    try SafetensorsFile.write(arrays, metadata: file.metadata, to: folder + "/model.safetensors", durably: true)
  }

  /// Checks the folder that a model will be written to, before the work that makes the model.
  /// - Throws: `HeedError` where it is this one or cannot be written to.
  package func check(output folder: String) throws {
    guard URL(fileURLWithPath: folder).resolvingSymlinksInPath() != URL(fileURLWithPath: path).resolvingSymlinksInPath() else {
      throw HeedError("got \(folder) to write the model to, expected another folder than its own")
    }
    guard FileManager.default.fileExists(atPath: folder) else { return }
    try FileBytes.check([OutputPath("the model", folder + "/model.safetensors")])
  }

  /// The small files of the folder: texts and JSON beside the weights, and those of the modules that follow the encoder, `1_Pooling`. Weights in
  /// other formats are left out, since they would be the old ones.
  private func carriedFiles() throws -> [String] {
    func isCarried(_ name: String) -> Bool { (name.hasSuffix(".json") || name.hasSuffix(".txt")) && !name.hasSuffix(".index.json") }
    let manager = FileManager.default
    do {
      let names = try manager.contentsOfDirectory(atPath: path)
      let modules = names.filter { $0.wholeMatch(of: /[0-9]+_[A-Za-z]+/) != nil }
      return try names.filter(isCarried).sorted()
        + modules.sorted().flatMap { module in
          try manager.contentsOfDirectory(atPath: "\(path)/\(module)").filter(isCarried).sorted().map { "\(module)/\($0)" }
        }
    } catch {
      throw HeedError("reading the folder \(path): \((error as NSError).localizedDescription)")
    }
  }

  private static func createFolder(_ path: String) throws {
    do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
      throw HeedError("cannot make the folder \(path): \((error as NSError).localizedDescription)")
    }
  }
}

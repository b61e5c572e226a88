internal import Foundation
internal import HeedIR
internal import HeedSystem

/// The checkpoints in the folder of a run: `checkpoint-00000100.safetensors` by step, and `best.safetensors`.
struct CheckpointFolder {
  let path: String

  /// The checkpoint of the best evaluation.
  var best: String { path + "/best.safetensors" }

  /// The checkpoint of a step.
  func file(step: Int) -> String {
    let digits = "\(step)"
    return path + "/checkpoint-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".safetensors"
  }

  /// Makes the folder where it is missing.
  func create() throws {
    do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
      throw HeedError("cannot make the folder \(path): \((error as NSError).localizedDescription)")
    }
  }

  /// The steps that have a checkpoint, from the first.
  var steps: [Int] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.compactMap { name in
      guard name.hasPrefix("checkpoint-"), name.hasSuffix(".safetensors") else { return nil }
      return Int(name.dropFirst("checkpoint-".count).dropLast(".safetensors".count))
    }.sorted()
  }

  /// The newest whole checkpoint, and what is wrong with each newer one; nil where there is no checkpoint.
  /// - Throws: `HeedError` where there are some but none is whole: what is wrong with the newest.
  func newest() throws -> (checkpoint: TrainingCheckpoint, file: String, damage: [HeedError])? {
    var damage: [HeedError] = []
    for step in steps.reversed() {
      do {
        let file = file(step: step)
        return (try TrainingCheckpoint(contentsOf: file), file, damage)
      } catch let error as HeedError {
        damage.append(error)
      }
    }
    if let first = damage.first { throw first }
    return nil
  }

  /// Removes all but the last `count` checkpoints.
  func prune(keeping count: Int) {
    for old in steps.dropLast(count) { unlink(file(step: old)) }
  }

  /// Removes the checkpoints of later steps: the run goes on from an older one.
  func remove(after step: Int) {
    for later in steps where later > step { unlink(file(step: later)) }
  }

  /// Whether a file lies in the folder.
  func contains(_ file: String) -> Bool {
    func standard(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path }
    return standard((file as NSString).deletingLastPathComponent) == standard(path)
  }
}

import Foundation
import Heed
import HeedTestSupport
import Testing

/// Checkpoints that are cut short or changed.
@Suite struct DamageTests {
  @Test func isAnErrorInOneLine() async throws {
    let problem = try SmallProblem()
    try await withTemporaryFolder { folder in
      let result = try await problem.trainer(folder, steps: 3).train(from: problem.initial)
      let whole = try Data(contentsOf: URL(fileURLWithPath: result.checkpoint))
      let path = folder + "/damaged.safetensors"
      var random = SeededGenerator(seed: 1)
      func text(_ data: Data) async throws -> String {
        try data.write(to: URL(fileURLWithPath: path))
        return await message { try TrainingCheckpoint(contentsOf: path) }
      }
      for _ in 0..<100 {
        var changed = whole
        let place = Int.random(in: 0..<whole.count, using: &random)
        changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        #expect(try await text(changed).hasPrefix("error: reading \(path): "), "byte \(place)")
        let cut = try await text(whole.prefix(place))
        #expect(cut.hasPrefix("error: reading \(path): "), "\(cut)")
      }
      // Weights without a place in a run.
      try problem.initial.write(to: path)
      #expect(
        await message { try TrainingCheckpoint(contentsOf: path) }
          == "error: reading \(path): got arrays without a place in a run, expected a checkpoint")
    }
  }

  /// A run goes on from the newest checkpoint that is whole, and ends with the same bits.
  @Test func newestWholeOne() async throws {
    let problem = try SmallProblem()
    try await withTemporaryFolder { folder in
      let result = try await problem.trainer(folder).train(from: problem.initial)
      let (whole, lines) = (try Data(contentsOf: URL(fileURLWithPath: result.checkpoint)), try metrics(folder))
      for name in ["00000030", "00000025"] {
        let url = URL(fileURLWithPath: "\(folder)/checkpoint-\(name).safetensors")
        try Data(contentsOf: url).dropLast(3).write(to: url)
      }
      let again = try await problem.trainer(folder).train(from: problem.initial, start: .resume)
      #expect(again.end == .completed && again.loss != nil)
      #expect(try Data(contentsOf: URL(fileURLWithPath: again.checkpoint)) == whole && metrics(folder) == lines)
      // One that is named is not replaced by another, and where none is whole there is nothing to go on from.
      for name in try files(folder) where name.hasPrefix("checkpoint-") {
        try Data().write(to: URL(fileURLWithPath: folder + "/" + name))
        #expect(
          await message { try await problem.trainer(folder).train(resuming: folder + "/" + name) }
            == "error: reading \(folder)/\(name): got a file of 0 bytes, expected a safetensors header")
      }
      #expect(
        await message { try await problem.trainer(folder).train(from: problem.initial, start: .resumeWherePossible) }
          == "error: reading \(folder)/checkpoint-00000030.safetensors: got a file of 0 bytes, expected a safetensors header")
    }
  }
}

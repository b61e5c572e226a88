import Foundation
import Heed
import HeedRecipes
import Testing

/// Recipes that fine-tune a small encoder, from files to files.
@Suite struct EncoderRecipeTests {
  private static let recipe = """
    model: model
    data: {training: training.jsonl, held_out: held-out.jsonl, first: plain, second: other}
    optimizer: AdamW
    learning_rate: {schedule: cosine, from: 1e-2, warm_up: 5}
    clipping_norm: 1
    batch: 16
    steps: 60
    output: out

    """

  /// Runs a recipe in a folder with the model and the pairs, and looks at what it leaves.
  private func train(
    _ yaml: String = recipe, start: TrainingStart = .new, threads: Int = 2, in folder: String? = nil,
    _ look: (_ report: RecipeReport, _ folder: String) throws -> Void
  ) async throws {
    guard let folder else {
      return try await withFolder { folder in
        try writeSmallModel(to: folder + "/model")
        try writePairs(to: folder)
        try await train(yaml, start: start, threads: threads, in: folder, look)
      }
    }
    try FileBytes.write(yaml, to: folder + "/recipe.yaml")
    let report = try await Recipe(contentsOf: folder + "/recipe.yaml").train(start: start, threads: threads) { $0.progress = .none }
    try look(report, folder)
  }

  @Test func heldOutPairsAreFound() async throws {
    try await train { report, folder in
      #expect(report.result.step == 60 && report.output == folder + "/out" && report.title == "18 held-out pairs")
      #expect(report.rows.map(\.name) == ["nearest is the partner", "mean reciprocal rank"])
      #expect(report.rows[1].before < 0.5 && report.rows[1].after > 0.8, "\(report)")
      // The table is what the folder's model does.
      let (first, second) = try pairs(folder + "/held-out.jsonl")
      let embedder = try SentenceEmbedder(model: folder + "/out")
      let accuracy = try RetrievalAccuracy(queries: embedder.embed(first), candidates: embedder.embed(second))
      #expect(accuracy.meanReciprocalRank == report.rows[1].after && accuracy.nearestShare == report.rows[0].after)
    }
  }

  @Test func folderIsLikeTheModels() async throws {
    try await train { report, folder in
      let (old, new) = (
        try SafetensorsFile(path: folder + "/model/model.safetensors"), try SafetensorsFile(path: folder + "/out/model.safetensors")
      )
      #expect(new.metadata == ["format": "pt"] && Set(new.names) == Set(old.names))
      for name in old.names {
        let (before, after) = (try old.array(name), try new.array(name))
        #expect(before.element == after.element && before.shape == after.shape)
        let isKept = bytes(before) == bytes(after)
        #expect(isKept == (name == "pooler.dense.bias" || name == "embeddings.position_ids"), "\(name)")
      }
      for file in ["config.json", "vocab.txt", "1_Pooling/config.json"] {
        #expect(try FileBytes.read("\(folder)/model/\(file)") == FileBytes.read("\(folder)/out/\(file)"))
      }
      #expect(FileManager.default.fileExists(atPath: folder + "/out.run/metrics.jsonl"))
      #expect(FileManager.default.fileExists(atPath: folder + "/out.run/loss.svg"))
    }
  }

  @Test func adaptersAreMerged() async throws {
    let lora =
      Self.recipe.replacingOccurrences(of: "1e-2", with: "5e-2")
      + "lora: {rank: 4, alpha: 8, layers: [query, output, feed_forward]}\n"
    try await train(lora) { report, folder in
      #expect(report.rows[1].after > report.rows[1].before + 0.1, "\(report)")
      let (old, new) = (
        try SafetensorsFile(path: folder + "/model/model.safetensors"), try SafetensorsFile(path: folder + "/out/model.safetensors")
      )
      let changed = try old.names.filter { try bytes(old.array($0)) != bytes(new.array($0)) }.sorted()
      #expect(Set(new.names) == Set(old.names))
      #expect(
        changed
          == [
            "attention.output.dense", "attention.self.query", "intermediate.dense", "output.dense",
          ].map { "encoder.layer.0.\($0).weight" })
      // Checkpoints hold adapters and no weight of the model.
      let state = try GraphState(contentsOf: folder + "/out.run/checkpoint-00000060.safetensors")
      #expect(state.names.filter { !$0.hasPrefix("optimizer.") }.allSatisfy { $0.contains(".adapter.") })
    }
  }

  @Test func resumedRunsEndWithTheSameBits() async throws {
    let yaml =
      Self.recipe.replacingOccurrences(of: "steps: 60", with: "steps: 12") + "checkpoints: {every: 5, keep: 9}\naverage: 0.9\n"
    try await train(yaml) { _, folder in
      let whole = try FileBytes.read(folder + "/out/model.safetensors")
      // As after a crash behind step 5: nothing of what came later is there.
      for step in [10, 12] { try FileManager.default.removeItem(atPath: folder + "/out.run/checkpoint-000000\(step).safetensors") }
      try FileManager.default.removeItem(atPath: folder + "/out")
      let resumed = try Resumed(recipe: folder + "/recipe.yaml", threads: 1)
      #expect(resumed.report.result.step == 12)
      #expect(try FileBytes.read(folder + "/out/model.safetensors") == whole)
    }
  }

  /// A run that goes on, waited for.
  private struct Resumed {
    let report: RecipeReport

    init(recipe: String, threads: Int) throws {
      let (done, place) = (DispatchSemaphore(value: 0), Lock(Result<RecipeReport, any Error>?.none))
      Task.detached {
        do {
          let report = try await Recipe(contentsOf: recipe).train(start: .resume, threads: threads) { $0.progress = .none }
          place.withLock { $0 = .success(report) }
        } catch { place.withLock { $0 = .failure(error) } }
        done.signal()
      }
      done.wait()
      report = try place.withLock { try $0!.get() }
    }
  }

  @Test func bestOfTheEvaluationsIsWritten() async throws {
    let yaml =
      Self.recipe.replacingOccurrences(of: "output: out", with: "output: {path: out, weights: best}")
      .replacingOccurrences(of: "held_out: held-out.jsonl", with: "held_out: held-out.jsonl, validation: 0.2")
      .replacingOccurrences(of: "1e-2", with: "3") + "evaluation: {every: 2, patience: 3}\n"
    // A rate that spoils the model: the best evaluation is an early one, and patience ends the run.
    try await train(yaml) { report, folder in
      let best = try #require(report.result.best)
      #expect(report.result.end == .stoppedEarly && best.step < report.result.step)
      let state = try TrainingCheckpoint(contentsOf: folder + "/out.run/best.safetensors").state
      let name = "encoder.layer.0.output.dense.weight"
      let written = try SafetensorsFile(path: folder + "/out/model.safetensors").array(name)
      #expect(bytes(written) == bytes(state[name]!))
    }
  }

  @Test func mistakes() async throws {
    try await withFolder { folder in
      try writeSmallModel(to: folder + "/model")
      try writePairs(to: folder)
      for (old, new, expected) in [
        ("second: other", "second: third", "got an object without \"third\""),
        ("training.jsonl", "none.jsonl", "opening \(folder)/none.jsonl: No such file or directory"),
        ("model: model", "model: none", "opening \(folder)/none/config.json: No such file or directory"),
        ("output: out", "output: model", "got \(folder)/model to write the model to, expected another folder than its own"),
        ("steps: 60", "steps: 60\nevaluation: {every: 2}", "got the key evaluation without data.validation, expected both"),
        ("batch: 16", "batch: {tokens: 4}", "got 8 tokens in sample 0, expected at most the 4 of a batch"),
      ] {
        let yaml = Self.recipe.replacingOccurrences(of: old, with: new)
        let error = await #expect(throws: HeedError.self) { try await train(yaml, in: folder) { _, _ in } }
        #expect(error?.message.contains(expected) == true, "\(error.map { "\($0)" } ?? "none")")
      }
      var recipe = try Recipe(contentsOf: folder + "/recipe.yaml")
      recipe.output = folder + "/elsewhere"
      #expect(recipe.runFolder == folder + "/elsewhere.run")
    }
  }
}

/// The two columns of a file of pairs.
private func pairs(_ path: String) throws -> ([String], [String]) {
  let table = try Table(jsonLines: path)
  return (try table.texts("plain"), try table.texts("other"))
}

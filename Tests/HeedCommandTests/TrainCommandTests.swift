import Foundation
import Heed
import HeedTestSupport
import Testing

/// `heed train`: recipes run by the command.
@Suite struct TrainCommandTests {
  private func withRecipe(_ steps: Int, _ body: (_ folder: String, _ recipe: String) throws -> Void) throws {
    try withSmallModel { folder in
      let words = ["a", "b", "c", "d"]
      let pairs = words.flatMap { x in words.map { y in "{\"q\": \"\(x) \(y)\", \"r\": \"\(y) \(x) \(x)\"}\n" } }.joined()
      try FileBytes.write(pairs, to: folder + "/pairs.jsonl")
      let recipe = """
        model: .
        data: {training: pairs.jsonl, held_out: 0.25, first: q, second: r}
        optimizer: AdamW
        learning_rate: 1e-2
        batch: 4
        steps: \(steps)
        checkpoints: {every: 10}
        output: out
        """
      try FileBytes.write(recipe, to: folder + "/recipe.yaml")
      try body(folder, folder + "/recipe.yaml")
    }
  }

  @Test func tableAndModel() throws {
    try withRecipe(30) { folder, recipe in
      let result = try heed(["train", recipe, "--report", "15"])
      #expect(result.status == 0, "\(result.errors)")
      let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines[0] == "4 held-out pairs")
      #expect(lines[1] == "                        before   after")
      #expect(lines[2].hasPrefix("nearest is the partner  ") && lines[3].hasPrefix("mean reciprocal rank    "))
      #expect(lines[5] == "\(folder)/out: the trained weights")
      #expect(
        result.errors.contains("step 15 of 30") && result.errors.contains("step 30 of 30") && !result.errors.contains("step 20 of"))
      let embedded = try heed(["embed", "--model", folder + "/out", "--json"], input: "{\"text\": \"a b\"}\n")
      #expect(embedded.status == 0 && embedded.output.hasPrefix("{\"ids\": ["))
      // A second run does not overwrite the first one's checkpoints.
      expectFailure(try heed(["train", recipe]), "which has checkpoints up to step 30")
      let elsewhere = try heed(["train", recipe, "--output", folder + "/second", "--seed", "9"])
      #expect(elsewhere.status == 0 && elsewhere.output.hasSuffix("\(folder)/second: the trained weights\n"))
    }
  }

  @Test func interruptedRunsGoOn() throws {
    try withRecipe(400) { folder, recipe in
      let script = """
        set -m; lines() { cat "$folder/out.run/metrics.jsonl" 2>/dev/null | wc -l; }
        for signal in INT TERM; do
          before=$(lines); "$heed" train "$recipe" --threads 1 $resume & run=$!; resume=--resume
          for i in $(seq 2000); do [ $(lines) -gt $before ] && break; sleep 0.01; done
          kill -$signal $run; wait $run; echo "status $?"
        done
        """
      let first = try shell(script, environment: ["recipe": recipe, "folder": folder])
      #expect(first.output == "status 130\nstatus 143\n", "\(first.output)\(first.errors)")
      #expect(first.errors.contains("resume with: \(try heedExecutable().path) train \(recipe) --resume"), "\(first.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/out"))
      let second = try heed(["train", recipe, "--resume", "--threads", "2"])
      #expect(second.status == 0, "\(second.errors)")
      let whole = try heed(["train", recipe, "--output", folder + "/whole"])
      #expect(whole.status == 0)
      #expect(try FileBytes.read(folder + "/out/model.safetensors") == FileBytes.read(folder + "/whole/model.safetensors"))
    }
  }

  @Test func mistakes() throws {
    try withRecipe(2) { folder, recipe in
      expectFailure(try heed(["train", folder + "/none.yaml"]), "none.yaml: No such file or directory")
      expectFailure(try heed(["train", recipe, "--model", folder + "/none"]), "none/config.json: No such file or directory")
      expectFailure(try heed(["train", recipe, "--resume"]), "got no checkpoint in \(folder)/out.run to resume, expected one")
      try FileBytes.write(FileBytes.readText(recipe) + "\nrate: 3\n", to: recipe)
      expectFailure(try heed(["train", recipe]), "recipe.yaml:9:1: error: got the key \"rate\", expected one of model,")
      #expect(try heed(["train", recipe, "--report", "0"]).status == 64)
    }
  }
}

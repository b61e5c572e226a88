import Foundation
import Heed
import HeedRecipes
import Testing

/// Recipes that train a graph, from files to files.
@Suite struct GraphRecipeTests {
  /// A classifier of points on the plane, and how many of them it finds.
  private static let classifier = Graph("classifier") { g in
    let x = g.input("x", .f32, ["B", 2])
    let label = g.input("label", .i32, ["B"])
    let hidden = tanh(Linear("hidden", in: g, inputs: 2, outputs: 8)(x))
    let logits = Linear("out", in: g, inputs: 8, outputs: 3)(hidden)
    let hits = (logits.argMax(1) == label).cast(to: .f32).mean().named("accuracy")
    return [crossEntropy(logits, label).named("loss"), hits]
  }

  private static let recipe = """
    graph: classifier.heed
    data:
      file: points.csv
      inputs: {x: [across, up], label: {column: kind, classes: [left, right, top]}}
      held_out: 0.25
    initializers: {"*.weight": xavierUniform, "*.bias": zeros}
    optimizer: {kind: AdamW, weight_decay: 0}
    learning_rate: {schedule: linear, from: 5e-2, to: 1e-3}
    batch: 16
    epochs: 12
    seed: 4
    output: weights.safetensors

    """

  /// 160 points of three kinds.
  private static func points() -> [(x: Float, y: Float, kind: String)] {
    (0..<160).map { i in
      let (x, y) = (Float(i * 37 % 101) / 50 - 1, Float(i * 61 % 97) / 48 - 1)
      return (x, y, y > 0.2 ? "top" : x < 0 ? "left" : "right")
    }
  }

  private func withFiles(_ body: (String) async throws -> Void) async throws {
    try await withFolder { folder in
      try FileBytes.write(Self.classifier.text, to: folder + "/classifier.heed")
      let points = Self.points()
      try FileBytes.write(
        "kind,across,up\n" + points.map { "\($0.kind),\($0.x),\($0.y)\n" }.joined(), to: folder + "/points.csv")
      try FileBytes.write(
        points.map { "{\"across\": \($0.x), \"up\": \($0.y), \"kind\": \"\($0.kind)\"}\n" }.joined(), to: folder + "/points.jsonl")
      let classes = ["left", "right", "top"]
      try SafetensorsFile.write(
        [
          ("x", NDArray(points.flatMap { [$0.x, $0.y] }, [160, 2])),
          ("kinds", NDArray(points.map { Int32(classes.firstIndex(of: $0.kind)!) }, [160])),
        ], to: folder + "/points.safetensors")
      try await body(folder)
    }
  }

  private func train(_ yaml: String, in folder: String, start: TrainingStart = .new) async throws -> RecipeReport {
    try FileBytes.write(yaml, to: folder + "/recipe.yaml")
    return try await Recipe(contentsOf: folder + "/recipe.yaml").train(start: start, threads: 2) { $0.progress = .none }
  }

  @Test func classifierOfACSVFile() async throws {
    try await withFiles { folder in
      let report = try await train(Self.recipe, in: folder)
      #expect(report.title == "40 held-out samples" && report.rows.map(\.name) == ["loss", "accuracy"])
      #expect(report.rows[0].after < 0.5 * report.rows[0].before && report.rows[1].after > 0.85, "\(report)")
      #expect(report.result.step == 96)
      let weights = try SafetensorsFile(path: folder + "/weights.safetensors")
      #expect(Set(weights.names) == ["hidden.weight", "hidden.bias", "out.weight", "out.bias"])
      // The weights do what the report says: on all points the classifier is about as good.
      let points = Self.points()
      let program = try Self.classifier.compile().load(parameters: weights.arrays())
      let outputs = try program([
        "x": NDArray(points.flatMap { [$0.x, $0.y] }, [160, 2]),
        "label": NDArray(points.map { Int32(["left", "right", "top"].firstIndex(of: $0.kind)!) }, [160]),
      ])
      #expect(try outputs["accuracy"]!.float() > 0.85)
    }
  }

  /// The same table in other formats makes the same run.
  @Test(arguments: [
    "file: points.jsonl\n  inputs: {x: [across, up], label: {column: kind, classes: [left, right, top]}}",
    "file: points.safetensors\n  inputs: {label: kinds}",
  ])
  func otherFormats(_ data: String) async throws {
    try await withFiles { folder in
      let expected = try await train(Self.recipe, in: folder)
      let csv = "file: points.csv\n  inputs: {x: [across, up], label: {column: kind, classes: [left, right, top]}}"
      let other = Self.recipe.replacingOccurrences(of: csv, with: data).replacingOccurrences(
        of: "output: weights", with: "output: other")
      let report = try await train(other, in: folder)
      #expect(report.rows == expected.rows)
      #expect(try FileBytes.read(folder + "/other.safetensors") == FileBytes.read(folder + "/weights.safetensors"))
    }
  }

  @Test func givenWeightsGoOn() async throws {
    try await withFiles { folder in
      let first = try await train(Self.recipe, in: folder)
      let more =
        Self.recipe.replacingOccurrences(of: "output: weights", with: "output: more")
        .replacingOccurrences(
          of: "initializers: {\"*.weight\": xavierUniform, \"*.bias\": zeros}", with: "parameters: weights.safetensors"
        )
        .replacingOccurrences(of: "epochs: 12", with: "epochs: 1\nevaluation: {every: 4}\naverage: 0.5\naccumulate: 2")
      let second = try await train(more, in: folder)
      #expect(abs(second.rows[0].before - first.rows[0].after) < 1e-6)
      #expect(second.result.best != nil)
    }
  }

  @Test func stepOfItsOwn() async throws {
    try await withFiles { folder in
      let step = Graph("step") { g in
        let x = g.input("x", .f32, ["B", 2])
        let center = g.state("center", .f32, [2], initial: 0)
        let seed = g.input("seed", .i64)
        center.update(to: center * 0.5 + x.mean(0) * 0.5)
        let distance = x - center
        return [(distance * distance).mean().named("loss"), (seed * 0).named("nothing")]
      }
      let measure = Graph("measure") { g in
        let distance = g.input("x", .f32, ["B", 2]) - g.parameter("center", .f32, [2])
        return (distance * distance).mean().named("loss")
      }
      try FileBytes.write(step.text + "\n" + measure.text, to: folder + "/step.heed")
      let yaml = """
        graph: {file: step.heed, name: step}
        data: {file: points.safetensors, held_out: 0.1}
        loss: loss
        batch: 32
        epochs: 3
        evaluation: {every: 3, graph: measure}
        output: center.safetensors
        """
      let report = try await train(yaml, in: folder)
      #expect(report.rows.map(\.name) == ["loss"] && report.result.step == 15)
      #expect(try SafetensorsFile(path: folder + "/center.safetensors").names == ["center"])
    }
  }

  @Test func windowsOfAText() async throws {
    try await withFiles { folder in
      let model = Graph("bigrams") { g in
        let table = Embedding("table", in: g, count: 256, size: 256)
        return crossEntropy(table(g.input("ids", .i32, ["B", 8])), g.input("targets", .i32, ["B", 8])).named("loss")
      }
      try FileBytes.write(model.text, to: folder + "/bigrams.heed")
      try FileBytes.write(String(repeating: "to be or not to be, that is the question; ", count: 40), to: folder + "/text.txt")
      let yaml = """
        graph: bigrams.heed
        data: {text: text.txt, length: 8, held_out: 0.1}
        initializers: {table.weight: "normal(deviation: 0.1)"}
        optimizer: {kind: Lion}
        learning_rate: 0.02
        batch: 8
        epochs: 8
        output: bigrams.safetensors
        """
      let report = try await train(yaml, in: folder)
      #expect(report.rows[0].before > 5 && report.rows[0].after < 1.5, "\(report)")
    }
  }

  @Test func mistakes() async throws {
    try await withFiles { folder in
      for (old, new, expected) in [
        ("x: [across, up]", "x: [across, down]", "got no column \"down\", expected one of \"kind\", \"across\", \"up\""),
        ("x: [across, up]", "x: across", "got f32[160, 1] for the input 'x', expected f32[B, 2]"),
        (
          "classes: [left, right, top]", "classes: [left, right]",
          "column \"kind\": got \"top\", expected one of \"left\", \"right\""
        ),
        (
          "label: {column: kind, classes: [left, right, top]}", "label: [kind, up]",
          "got 2 columns for the input 'label' of integers, expected one"
        ),
        ("\"*.bias\": zeros", "bias: zeros", "got no initializer of %hidden.bias"),
        ("output: weights.safetensors", "loss: accuracy\nparameters: points.csv\noutput: weights.safetensors", "points.csv"),
        ("  held_out: 0.25\n", "", "got the key evaluation without data.held_out, expected both"),
        (
          "epochs: 12", "epochs: 12\nevaluation: {every: 2, graph: other}",
          "evaluation.graph: got 'other', expected one of @classifier"
        ),
      ] {
        var yaml = Self.recipe.replacingOccurrences(of: old, with: new)
        if new.isEmpty { yaml += "evaluation: {every: 2}\n" }
        let error = await #expect(throws: HeedError.self) { _ = try await train(yaml, in: folder) }
        #expect(error?.message.contains(expected) == true, "\(error.map { "\($0)" } ?? "none")")
      }
    }
  }
}

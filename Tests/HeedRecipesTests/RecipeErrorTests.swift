import Foundation
import Heed
import HeedRecipes
import Testing

/// What is wrong with a recipe, in one line with its line.
@Suite struct RecipeErrorTests {
  /// A linear map and its error.
  private static func graph(_ name: String) -> String {
    Graph(name) { g in
      let (x, w) = (g.input("x", .f32, ["B", 2]), g.parameter("w", .f32, [1, 2]))
      let error = matmul(x, w.transposed()) - g.input("t", .f32, ["B", 1])
      return (error * error).mean().named("loss")
    }.text
  }

  /// What reading a recipe beside a file of graphs says.
  private static func message(_ yaml: String) throws -> String? {
    try withFolder { folder in
      try FileBytes.write(graph("model"), to: folder + "/model.heed")
      try FileBytes.write(graph("model") + "\n" + graph("other"), to: folder + "/two.heed")
      try FileBytes.write(yaml, to: folder + "/recipe.yaml")
      do {
        _ = try Recipe(contentsOf: folder + "/recipe.yaml")
        return nil
      } catch let error as HeedError {
        #expect(!error.headline.contains("\n"))
        return error.headline.replacingOccurrences(of: folder + "/", with: "")
      }
    }
  }

  private static let graph = """
    graph: model.heed
    data: {file: table.csv, inputs: {x: [a, b], t: c}}
    optimizer: AdamW
    learning_rate: 1e-2
    batch: 4
    epochs: 2
    output: weights.safetensors

    """

  private static let model = """
    model: minilm
    data: {training: pairs.jsonl, first: plain, second: nautical}
    optimizer: {kind: AdamW, weight_decay: 0.1}
    learning_rate: {schedule: cosine, from: 2e-5, to: 0, warm_up: 4}
    batch: {tokens: 1000, bucket: 64}
    steps: 10
    seed: 3
    output: {path: out, weights: last}

    """

  @Test func goodOnes() throws {
    for yaml in [
      Self.graph, Self.model,
      Self.model + "lora: {rank: 4, alpha: 8, layers: [query, feed_forward]}\nloss: {kind: infoNCE, temperature: 0.1}",
      Self.graph
        + "evaluation: {every: 5, patience: 2}\ncheckpoints: {every: 7, keep: 1}\nrun: elsewhere\ninitializers:\n  \"*\": \"orthogonal(gain: 2)\"",
      Self.graph.replacingOccurrences(of: "graph: model.heed", with: "graph: {file: two.heed, name: other}"),
    ] { #expect(try Self.message(yaml) == nil) }
  }

  @Test(arguments: [
    // YAML itself.
    ("", "recipe.yaml:1: error: got an empty file, expected a recipe"),
    ("a: [1", "recipe.yaml:2:1: error: got text that is not YAML: while parsing a flow sequence did not find expected ',' or ']'"),
    ("a: 1\na: 2", "error: got text that is not YAML: the key a stands there twice"),
    (
      "a: 1\n---\nb: 2",
      "recipe.yaml:2:1: error: got text that is not YAML: expected a single document in the stream but found another document"
    ),
    ("- 1", "recipe.yaml:1:1: error: got a list, expected a recipe: keys with values"),
    (String(repeating: "[", count: 100_000), "recipe.yaml:1: error: got more than 1000 brackets"),
    (String(repeating: "- ", count: 10_000), "recipe.yaml:1: error: got a line of 20000 bytes, expected at most 4096"),
    ("epochs: 2", "recipe.yaml:1:1: error: got neither model nor graph, expected one of them"),
  ])
  func documents(_ yaml: String, _ expected: String) throws {
    let message = try Self.message(yaml)
    #expect(message?.hasSuffix(expected) == true, "\(message ?? "no error")")
  }

  /// A part of a good recipe, what stands in its place, and what is said.
  @Test(arguments: [
    ("batch: 4", "batch: four", "recipe.yaml:5:8: error: batch: got \"four\", expected an integer of at least 1"),
    ("batch: 4", "batch: 0", "recipe.yaml:5:8: error: batch: got \"0\", expected an integer of at least 1"),
    ("batch: 4", "batch: \"4\"", "recipe.yaml:5:8: error: batch: got the text \"4\", expected an integer of at least 1"),
    ("batch: 4", "batch: [4]", "recipe.yaml:5:8: error: batch: got a list, expected an integer of at least 1"),
    ("batch: 4", "batch: {bucket: 4}", "recipe.yaml:5:8: error: batch: got no tokens, expected the most tokens of a batch"),
    ("batch: 4", "bach: 4", "recipe.yaml:5:1: error: got the key \"bach\", expected one of graph, data, loss, parameters, "),
    ("epochs: 2", "epochs:", "recipe.yaml:6:8: error: epochs: got nothing, expected an integer of at least 1"),
    ("epochs: 2", "epochs: 2\nsteps: 2", "recipe.yaml:6:9: error: epochs: got both steps and epochs, expected one of them"),
    ("epochs: 2", "", "recipe.yaml:1:1: error: got neither steps nor epochs, expected one of them"),
    ("epochs: 2", "seed: 1", "recipe.yaml:1:1: error: got neither steps nor epochs, expected one of them"),
    ("batch: 4", "seed: -1", "recipe.yaml:5:7: error: seed: got \"-1\", expected an integer of at least 0"),
    ("AdamW", "Adam", "recipe.yaml:3:12: error: optimizer: got \"Adam\", expected SGD, AdamW, Lion or Adafactor"),
    ("AdamW", "{beta1: 0.9}", "recipe.yaml:3:12: error: optimizer: got no kind, expected the name of an optimizer"),
    (
      "AdamW", "{kind: AdamW, beta1: 1}", "recipe.yaml:3:33: error: optimizer.beta1: got \"1\", expected a number from 0 to below 1"
    ),
    (
      "AdamW", "{kind: Lion, epsilon: 1}",
      "recipe.yaml:3:25: error: optimizer: got the key 'epsilon', expected one of kind, beta1, beta2, weight_decay"
    ),
    ("AdamW", "{kind: SGD, nesterov: yes}", "recipe.yaml:3:34: error: optimizer.nesterov: got \"yes\", expected true or false"),
    ("optimizer: AdamW", "", "recipe.yaml:4:16: error: learning_rate: got this key with no optimizer, expected none"),
    ("1e-2", "0", "recipe.yaml:4:16: error: learning_rate: got \"0\", expected a number above 0"),
    ("1e-2", "nan", "recipe.yaml:4:16: error: learning_rate: got \"nan\", expected a number above 0"),
    (
      "1e-2", "{schedule: step, from: 1}",
      "recipe.yaml:4:27: error: learning_rate.schedule: got \"step\", expected constant, linear or cosine"
    ),
    ("1e-2", "{schedule: linear}", "recipe.yaml:4:16: error: learning_rate: got no from, expected the first rate"),
    ("1e-2", "{from: 1, to: 0}", "recipe.yaml:4:30: error: learning_rate.to: got this key with a constant rate, expected none"),
    ("1e-2", "1e-2\nclipping_norm: -1", "recipe.yaml:5:16: error: clipping_norm: got \"-1\", expected a number above 0"),
    ("1e-2", "1e-2\naverage: 1", "recipe.yaml:5:10: error: average: got \"1\", expected a number from 0 to below 1"),
    ("learning_rate: 1e-2", "", "recipe.yaml:1:1: error: got no learning_rate, expected a number or a schedule"),
    ("output: weights.safetensors", "", "recipe.yaml:1:1: error: got no output, expected where the trained weights go"),
    (
      "output: weights.safetensors", "output: {path: w, weights: best}",
      "recipe.yaml:7:28: error: output.weights: got best without the key evaluation, expected both"
    ),
    (
      "epochs: 2", "epochs: 2\nevaluation: 3",
      "recipe.yaml:7:13: error: evaluation: got \"3\", expected keys of an evaluation: every, patience, graph"
    ),
    (
      "epochs: 2", "epochs: 2\ncheckpoints: {keep: 0}",
      "recipe.yaml:7:21: error: checkpoints.keep: got \"0\", expected an integer of at least 1"
    ),
    (
      "graph: model.heed", "graph: two.heed",
      "recipe.yaml:1:8: error: graph: got 2 graphs (@model, @other), expected one, or the keys file and name"
    ),
    (
      "graph: model.heed", "graph: {file: two.heed, name: third}",
      "recipe.yaml:1:31: error: graph.name: got the graph \"third\", expected one of @model, @other"
    ),
    ("graph: model.heed", "graph: none.heed", "error: opening none.heed: No such file or directory"),
    ("t: c", "z: c", "recipe.yaml:2:45: error: data.inputs: got the input \"z\", expected one of @model: x, t"),
    (
      "table.csv", "table.xls",
      "recipe.yaml:2:14: error: data.file: got \"table.xls\", expected a .csv, .jsonl or .safetensors file"
    ),
    (
      "file: table.csv, inputs: {x: [a, b], t: c}", "text: book.txt",
      "recipe.yaml:2:7: error: data: got no length, expected the tokens of a window"
    ),
    (
      "file: table.csv,", "file: table.csv, length: 3,",
      "recipe.yaml:2:33: error: data.length: got this key with a table, expected none"
    ),
    (
      "file: table.csv,", "file: table.csv, held_out: 1.5,",
      "recipe.yaml:2:35: error: data.held_out: got \"1.5\", expected a share between 0 and 1"
    ),
    ("t: c", "t: {column: c}", "recipe.yaml:2:48: error: data.inputs.t: got no classes, expected the classes of the column"),
    ("epochs: 2", "epochs: 2\nloss: cost", "recipe.yaml:7:7: error: loss: got the result \"cost\", expected one of loss"),
    (
      "epochs: 2", "epochs: 2\ninitializers: {w: xavier}",
      "recipe.yaml:7:19: error: initializers.w: got the initializer 'xavier', expected one of zeros, ones"
    ),
    ("epochs: 2", "epochs: 2\nlora: {rank: 2}", "recipe.yaml:7:1: error: got the key \"lora\", expected one of graph,"),
  ])
  func graphs(_ old: String, _ new: String, _ expected: String) throws {
    let message = try Self.message(Self.graph.replacingOccurrences(of: old, with: new))
    #expect(message?.contains(expected) == true, "\(message ?? "no error")")
  }

  @Test(arguments: [
    (
      "first: plain", "fist: plain",
      "recipe.yaml:2:31: error: data: got the key \"fist\", expected one of training, validation, held_out, first, second, maximum_tokens"
    ),
    ("first: plain, ", "", "recipe.yaml:2:7: error: data: got no first, expected the column of the first sentences"),
    (
      "second: nautical", "second: nautical, maximum_tokens: 1",
      "error: data.maximum_tokens: got \"1\", expected an integer of at least 2"
    ),
    (
      "optimizer: {kind: AdamW, weight_decay: 0.1}\nlearning_rate: {schedule: cosine, from: 2e-5, to: 0, warm_up: 4}\n", "",
      "recipe.yaml:1:1: error: got no optimizer, expected the name of one"
    ),
    ("steps: 10", "steps: 10\nloss: triplet", "recipe.yaml:7:7: error: loss: got \"triplet\", expected infoNCE"),
    (
      "steps: 10", "steps: 10\nloss: {kind: infoNCE, temperature: 0}",
      "recipe.yaml:7:36: error: loss.temperature: got \"0\", expected a number above 0"
    ),
    ("steps: 10", "steps: 10\nlora: 8", "recipe.yaml:7:7: error: lora: got \"8\", expected keys of lora: rank, alpha, layers"),
    (
      "steps: 10", "steps: 10\nlora: {layers: query}", "recipe.yaml:7:7: error: lora: got no rank, expected the rank of the changes"
    ),
    (
      "steps: 10", "steps: 10\nlora: {rank: 2, layers: [query, keys]}",
      "recipe.yaml:7:33: error: lora.layers[1]: got \"keys\", expected query, key, value, output, feed_forward or all"
    ),
    (
      "steps: 10", "steps: 10\nlora: {rank: 2, layers: []}",
      "recipe.yaml:7:25: error: lora.layers: got an empty list, expected at least one value"
    ),
    (
      "model: minilm", "model: minilm\ngraph: model.heed",
      "recipe.yaml:2:1: error: got the key \"graph\", expected one of model, data, loss, lora,"
    ),
    ("weights: last", "weights: first", "recipe.yaml:8:30: error: output.weights: got \"first\", expected last or best"),
    ("model: minilm", "model: [minilm]", "recipe.yaml:1:8: error: model: got a list, expected the folder of a model"),
  ])
  func models(_ old: String, _ new: String, _ expected: String) throws {
    #expect(Self.model.contains(old))
    let message = try Self.message(Self.model.replacingOccurrences(of: old, with: new))
    #expect(message?.contains(expected) == true, "\(message ?? "no error")")
  }
}

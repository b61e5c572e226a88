// What Heed does, in one screen: naive attention, what it becomes, and a real sentence encoder.
// Usage: demo [FOLDER]    FOLDER holds the pretrained encoder; without it that part is left out.

import Foundation
import Heed

let attention = Graph("causal") { g in
  let q = g.input("q", .f32, ["B", 8, "S", 64])
  let k = g.input("k", .f32, ["B", 8, "S", 64])
  let v = g.input("v", .f32, ["B", 8, "S", 64])
  let scores = (matmul(q, k.transposed()) / 8).named("scores")
  let (i, j) = (scores.index(2).named("i"), scores.index(3).named("j"))
  let masked = scores.where((j <= i).named("live"), else: -.infinity).named("masked")
  return matmul(softmax(masked).named("weights"), v).named("out")
}

let sentences = [
  "A man is playing a guitar on stage.",
  "Someone performs music with a string instrument.",
  "The stock market fell sharply on Tuesday.",
  "Shares dropped after the central bank raised interest rates.",
  "The dog chased the cat until it got tired.",
  "A puppy ran after a kitten.",
]

do {
  try showCompiler()
  if CommandLine.arguments.count > 1 { try showEncoder(folder: CommandLine.arguments[1]) }
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}

func showCompiler() throws {
  Screen.title("Causal attention, as plain tensor math")
  print(Screen.graph(attention.text))

  let program = try attention.compile()
  Screen.title("The same graph, fused")
  print(Screen.graph(program.graph.text))

  Screen.title("What the compiler says")
  for remark in program.remarks { print("  \(Screen.bold(remark.pass)) %\(remark.value): \(remark.message)") }

  let (heads, length, depth) = (8, 2048, 64)
  let array = NDArray.random([1, heads, length, depth], seed: 1)
  let inputs = ["q": array, "k": array, "v": array]
  _ = try program(inputs)
  let clock = ContinuousClock()
  let times = try (0..<5).map { _ in try clock.measure { _ = try program(inputs) } / .milliseconds(1) }
  let matrix = (heads * length * length * 4) >> 20
  print(
    "\n  \(heads) heads, \(length) queries and keys: \(String(format: "%.1f", times.min()!)) ms on \(program.threadCount) threads "
      + "(\(program.lowered.target)); the \(matrix) MiB of scores were never stored.")
}

func showEncoder(folder: String) throws {
  Screen.title("all-MiniLM-L6-v2, through kernels that were just compiled")
  let clock = ContinuousClock()
  var embedder: SentenceEmbedder?
  let compiling = try clock.measure { embedder = try SentenceEmbedder(model: folder) } / .milliseconds(1)
  guard let embedder else { return }
  let kernels = embedder.encoder.program.kernels.count
  var vectors: [[Float]] = []
  let running = try clock.measure { vectors = try embedder.embed(sentences) } / .milliseconds(1)
  print(
    "  read, compiled to \(kernels) kernels and packed in \(Int(compiling)) ms; "
      + "\(sentences.count) sentences in one ragged batch in \(String(format: "%.1f", running)) ms\n")
  let width = sentences.map(\.count).max()!
  for (sentence, vector) in zip(sentences, vectors) {
    let cells = vectors.map { other in
      Screen.cell(zip(vector, other).reduce(0.0) { $0 + Double($1.0) * Double($1.1) })
    }
    print("  \(sentence)\(String(repeating: " ", count: width - sentence.count))  \(cells.joined())")
  }
  print()
}

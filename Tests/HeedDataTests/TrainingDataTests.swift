import Foundation
import HeedArrays
import HeedData
import Testing

/// The example of docs/training-data.md.
@Suite struct TrainingDataTests {
  @Test func fromATextToBatches() async throws {
    let book = (0..<400).map { "Sentence \($0) says that \($0) and 1 are \($0 + 1)." }.joined(separator: "\n")
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("heed-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.path + "/book.txt"
    try Data(book.utf8).write(to: URL(fileURLWithPath: path))

    let tokenizer = try BytePairTokenizer.train(onFiles: [path], vocabularySize: 512, specialTokens: ["<|endoftext|>"])
    let windows = try TokenWindows(tokenizer.encode(file: path), length: 64)
    let (training, heldOut) = try windows.split(heldOut: 0.1, seed: nil)
    #expect(training.count + heldOut.count == windows.count && heldOut.count > 0)
    let batches = try Batches(training, size: .samples(16), seed: 1)
    var (seen, position): ([Int], DataPosition) = ([], .start)
    for try await batch in batches.stream(epochs: 2) {
      #expect(batch.arrays["ids"]?.shape == [batch.samples.count, 64] && batch.arrays["targets"]?.element == .i32)
      let ids = try #require(batch.arrays["ids"]).values(as: Int32.self)
      let targets = try #require(batch.arrays["targets"]).values(as: Int32.self)
      let text = Array(book.utf8)
      for row in batch.samples.indices {
        let window = try tokenizer.decode(ids[row * 64..<row * 64 + 64] + [targets[row * 64 + 63]])
        #expect(text.firstRange(of: window) != nil && ids[row * 64 + 1] == targets[row * 64])
      }
      seen += batch.samples
      position = batch.next
    }
    #expect(seen.sorted() == (0..<2 * training.count).map { $0 / 2 } && position == DataPosition(epoch: 2, sample: 0))
  }
}

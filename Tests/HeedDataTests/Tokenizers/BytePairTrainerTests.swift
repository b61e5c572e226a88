import HeedData
import HeedTestSupport
import Testing

@Suite struct BytePairTrainerTests {
  private func trainer(_ words: [[UInt8]: Int]) throws -> BytePairTrainer {
    var table = WordTable()
    for word in words.keys { word.withUnsafeBytes { _ = table.insert($0) } }
    let counts = (0..<table.count).map { words[Array(table.bytes[table.range($0)])]! }
    return try BytePairTrainer(table, counts: counts)
  }

  @Test func learnsWhatTheDefinitionLearns() throws {
    var generator = SeededGenerator(seed: 5)
    for round in 0..<150 {
      // Few letters make many ties and overlapping pairs.
      let letters = Array("abcd".utf8.prefix(1 + round % 4))
      var words: [[UInt8]: Int] = [:]
      for _ in 0..<Int.random(in: 0...20, using: &generator) {
        let word = (0..<Int.random(in: 1...9, using: &generator)).map { _ in generator.pick(letters) }
        words[word, default: 0] += Int.random(in: 1...5, using: &generator)
      }
      let (limit, least) = (256 + Int.random(in: 0...40, using: &generator), Int.random(in: 1...3, using: &generator))
      let naive = NaiveBytePairs(words: words, tokenCount: limit, minimumCount: least)
      var trainer = try trainer(words)
      trainer.train(tokenCount: limit, minimumCount: least)
      #expect(trainer.merges == naive.merges && trainer.tokens == naive.tokens, "\(words)")
    }
  }

  /// No two tokens are spelled alike: a file could not tell them apart.
  @Test func tokensDiffer() throws {
    var generator = SeededGenerator(seed: 6)
    for _ in 0..<100 {
      var words: [[UInt8]: Int] = [:]
      for _ in 0..<30 {
        words[(0..<8).map { _ in generator.pick(Array("ab".utf8)) }, default: 0] += Int.random(in: 1...9, using: &generator)
      }
      var trainer = try trainer(words)
      trainer.train(tokenCount: 400, minimumCount: 1)
      #expect(Set(trainer.tokens).count == trainer.tokens.count)
      #expect(trainer.tokens.count > 256)
    }
  }

  /// One word of a million letters costs no more than as many short ones.
  @Test func aLongWord() throws {
    var generator = SeededGenerator(seed: 7)
    var trainer = try trainer([(0..<1_000_000).map { _ in generator.pick(Array("abcdefgh".utf8)) }: 1])
    trainer.train(tokenCount: 1000, minimumCount: 2)
    #expect(trainer.tokens.count == 1000)
  }
}

import Foundation
import Heed
import HeedTestSupport

/// Files of arrays, weights, settings, words and tables with changed bytes: read as users read them, and what is read is written and read
/// once more.
///
/// An input is the name of a format, a line end, and the file.
struct FileFuzzer: Fuzzer {
  static let name = "files"

  private enum Format: String, CaseIterable {
    case npy, safetensors, configuration, words, tokenizer, csv, jsonl
  }

  private let files: [(format: Format, bytes: [UInt8])]

  init() throws {
    var files: [(format: Format, bytes: [UInt8])] = []
    try withTemporaryFolder { folder in
      func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))) }
      for (number, element) in ElementType.allCases.filter({ $0 != .bf16 }).enumerated() {
        let shape = [[], [3], [2, 0], [2, 3, 4]][number % 4]
        files.append((.npy, try NumPyFile.encode(NDArray(zeros: element, shape))))
      }
      let arrays = try ElementType.allCases.enumerated().map { ("array.\($0)", try NDArray(zeros: $1, [$0 % 3, 2])) }
      for count in [0, 1, arrays.count] {
        try SafetensorsFile.write(Array(arrays.prefix(count)), metadata: ["format": "pt"], to: "\(folder)/a")
        files.append((.safetensors, try bytes("a")))
      }
      try BytePairTokenizer.train(on: ["the cat sat on the mat, the dog on the log"], vocabularySize: 280).write(to: "\(folder)/t")
      files.append((.tokenizer, try bytes("t")))
    }
    files += Self.texts.map { ($0.0, Array($0.1.utf8)) }
    self.files = files
  }

  private static let texts: [(Format, String)] = [
    (
      .configuration,
      #"""
      {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 64, "vocab_size": 99,
       "max_position_embeddings": 64, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu", "model_type": "bert"}
      """#
    ), (.words, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ncat\n##s\nsat\n,\n"),
    (.csv, "name,age,score\nAnn,7,1.5\n\"B, \"\"x\"\"\",8,-2e3\n\"two\nlines\",0,nan\n"),
    (
      .jsonl,
      "{\"text\": \"a cat\", \"label\": 1, \"ids\": [1, 2]}\n{\"text\": \"\\u00e9\\ud83d\\ude00\", \"label\": 0, \"ids\": []}\n"
    ),
  ]

  // MARK: Inputs

  func input(seed: UInt64) throws -> [UInt8] {
    var numbers = SeededGenerator(seed: seed)
    let file = files.randomElement(using: &numbers)!
    var bytes = file.bytes
    for _ in 0..<Int.random(in: 1...4, using: &numbers) { change(&bytes, &numbers) }
    return Array("\(file.format.rawValue)\n".utf8) + bytes
  }

  /// Numbers of headers at which sizes and their products end.
  private static let borders = [
    "0", "-1", "1", "4294967296", "2147483648", "9223372036854775807", "9223372036854775808", "18446744073709551615", "1e308",
    "1e400",
  ]

  private func change(_ bytes: inout [UInt8], _ numbers: inout SeededGenerator) {
    let place = Int.random(in: 0...bytes.count, using: &numbers)
    let end = min(bytes.count, place + Int.random(in: 0...16, using: &numbers))
    switch Int.random(in: 0..<8, using: &numbers) {
    case 0: bytes.removeSubrange(place..<end)
    case 1: bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &numbers))
    case 2: bytes.removeSubrange(place...)
    case 3, 4: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &numbers) }
    case 5:
      if place < bytes.count { bytes[place] = [0, 1, 0x7f, 0x80, 0xff, 10, 34, 92, 123, 125].randomElement(using: &numbers)! }
    case 6:
      // A number in text.
      func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
      guard let start = bytes[place...].firstIndex(where: isDigit) else { break }
      let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
      bytes.replaceSubrange(start..<end, with: Array(Self.borders.randomElement(using: &numbers)!.utf8))
    default:
      // From another file.
      let other = files.randomElement(using: &numbers)!.bytes
      let start = Int.random(in: 0...other.count, using: &numbers)
      bytes.insert(contentsOf: other[start..<min(other.count, start + 24)], at: place)
    }
  }

  /// Pieces of ever fewer bytes, behind the name of the format.
  func parts(_ input: [UInt8], _ level: Int) -> [ArraySlice<UInt8>]? {
    let sizes = [64, 8, 1]
    return level < sizes.count ? input.parts(ofSize: sizes[level]) : nil
  }

  // MARK: Checks

  func check(_ input: [UInt8]) throws -> Trial {
    guard let end = input.firstIndex(of: 10), let format = Format(rawValue: String(decoding: input[..<end], as: UTF8.self)) else {
      return Trial(.rejected)
    }
    return try withTemporaryFolder { folder in
      let names: [Format: String] = [.configuration: "config.json", .words: "vocab.txt"]
      let path = "\(folder)/\(names[format] ?? "file")"
      try Data(input[(end + 1)...]).write(to: URL(fileURLWithPath: path))
      return Trial(try Checks.rejecting { try read(format, path, folder) } == nil ? .rejected : .read)
    }
  }

  private func read(_ format: Format, _ path: String, _ folder: String) throws {
    switch format {
    case .npy:
      let array = try NumPyFile.read(path)
      try NumPyFile.write(array, to: "\(folder)/again")
      try expectSame(array, NumPyFile.read("\(folder)/again"))
    case .safetensors:
      let file = try SafetensorsFile(path: path)
      let arrays = try file.names.map { (name: $0, array: try file.array($0)) }
      try SafetensorsFile.write(arrays, metadata: file.metadata, to: "\(folder)/again")
      let again = try SafetensorsFile(path: "\(folder)/again")
      guard Set(again.names) == Set(file.names) else { throw Finding("names change when a file is written: \(file.names)") }
      for (name, array) in arrays { try expectSame(array, again.array(name)) }
    case .configuration: _ = try EncoderConfiguration(file: path)
    case .words:
      try Data(Self.texts[0].1.utf8).write(to: URL(fileURLWithPath: "\(folder)/config.json"))
      let tokenizer = try WordPieceTokenizer(directory: folder)
      _ = tokenizer.encode("The cats, \u{1f600} sat.")
    case .tokenizer:
      let tokenizer = try BytePairTokenizer(file: path)
      let ids = tokenizer.encode("the cat \u{1f600}")
      _ = ids.map { tokenizer.bytes(of: $0) }
      try tokenizer.write(to: "\(folder)/again")
      guard try BytePairTokenizer(file: "\(folder)/again").encode("the cat \u{1f600}") == ids else {
        throw Finding("a tokenizer that is written and read makes other ids")
      }
    case .csv: try readColumns(Table(csv: path))
    case .jsonl: try readColumns(Table(jsonLines: path))
    }
  }

  /// Columns may be of another type than is asked for: an error as well.
  private func readColumns(_ table: Table) throws {
    for column in table.columns {
      _ = try Checks.rejecting { try table.texts(column) }
      _ = try Checks.rejecting { try table.integers(column) }
      _ = try Checks.rejecting { try table.numbers(column) }
      _ = try Checks.rejecting { try table.sequences(column) }
      _ = try Checks.rejecting { try table.labels(column) }
    }
  }

  private func expectSame(_ array: NDArray, _ again: NDArray) throws {
    guard array.shape == again.shape, array.element == again.element,
      array.contiguous().bytes.elementsEqual(again.contiguous().bytes)
    else {
      throw Finding("an array \(array.element)\(array.shape) is another when it is written and read")
    }
  }
}

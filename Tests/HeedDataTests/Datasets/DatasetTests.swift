import HeedArrays
import HeedData
import HeedIR
import HeedModels
import HeedTestSupport
import Testing

@Suite struct DatasetTests {
  @Test func windowsAndTheirTargets() throws {
    let tokens = (0..<11).map { Int32($0) }
    let windows = try TokenWindows(tokens, length: 3)
    #expect(windows.count == 3 && windows.tokenCount(of: 1) == 3)
    let batch = try windows.batch([2, 0])
    #expect(batch["ids"]?.shape == [2, 3])
    #expect(batch["ids"]?.values(as: Int32.self) == [6, 7, 8, 0, 1, 2])
    #expect(batch["targets"]?.values(as: Int32.self) == [7, 8, 9, 1, 2, 3])
    let overlapping = try TokenWindows(tokens, length: 4, stride: 2)
    #expect(overlapping.count == 4)
    #expect(try overlapping.batch([3])["targets"]?.values(as: Int32.self) == [7, 8, 9, 10])
  }

  /// Every window has a target for each token, and no further window fits.
  @Test func numbersOfWindows() throws {
    for count in 2...20 {
      for length in 1..<count {
        for stride in 1...6 {
          let windows = try TokenWindows([Int32](repeating: 0, count: count), length: length, stride: stride)
          #expect((windows.count - 1) * stride + length + 1 <= count)
          #expect(windows.count * stride + length + 1 > count)
        }
      }
    }
  }

  @Test func windowsOfAFileAndOfAPart() throws {
    let tokens = try NDArray((0..<20).map { Int32($0) }, [20])
    try withTemporaryFolder { folder in
      try SafetensorsFile.write([("tokens", tokens)], to: folder + "/t.safetensors")
      let file = try SafetensorsFile(path: folder + "/t.safetensors").array("tokens")
      #expect(try TokenWindows(file, length: 2).batch([4])["ids"]?.values(as: Int32.self) == [8, 9])
    }
    let part = try TokenWindows(tokens[.range(1, 20, step: 3)], length: 2)
    #expect(try part.batch([0, 1])["ids"]?.values(as: Int32.self) == [1, 4, 7, 10])
  }

  @Test func rowsOfArrays() throws {
    let x = try NDArray((0..<12).map { Float($0) }, [4, 3])
    let labels = try NDArray([7, 8, 9, 10] as [Int32], [4])
    let flags = try NDArray([true, false, false, true], [4])
    let rows = try ArrayRows(["x": x, "label": labels, "flag": flags, "none": NDArray(zeros: .f32, [4, 0])])
    #expect(rows.count == 4 && rows.tokenCount(of: 0) == 0)
    let batch = try rows.batch([3, 1, 3])
    #expect(batch["x"]?.shape == [3, 3] && batch["none"]?.shape == [3, 0])
    #expect(batch["x"]?.values(as: Float.self) == [9, 10, 11, 3, 4, 5, 9, 10, 11])
    #expect(batch["label"]?.values(as: Int32.self) == [10, 8, 10])
    #expect(try batch["flag"]?.bools() == [true, false, true])
    let transposed = try ArrayRows(["x": x[.all, .range(0, 3, step: 2)]])
    #expect(try transposed.batch([1])["x"]?.values(as: Float.self) == [3, 5])
    try withTemporaryFolder { folder in
      try SafetensorsFile.write([("x", x), ("label", labels), ("s", NDArray([1] as [Float], []))], to: folder + "/a.safetensors")
      let path = folder + "/a.safetensors"
      #expect(try ArrayRows(safetensors: path, names: ["label"]).batch([2])["label"]?.values(as: Int32.self) == [9])
      #expect(
        headline { try ArrayRows(safetensors: path) }
          == "error: reading \(path): got a scalar called \"s\", expected an array with rows")
    }
  }

  @Test func sequencesWithoutPadding() throws {
    let sequences = TokenSequences([[1, 2], [], [3], [4, 5, 6]])
    #expect(sequences.count == 4 && sequences.tokenCount(of: 3) == 3 && Array(sequences[0]) == [1, 2])
    let batch = try sequences.batch([3, 1, 0])
    #expect(batch["ids"]?.values(as: Int32.self) == [4, 5, 6, 1, 2])
    #expect(batch["offsets"]?.values(as: Int32.self) == [0, 3, 3, 5])
    let empty = try sequences.batch([])
    #expect(empty["ids"]?.shape == [0] && empty["offsets"]?.values(as: Int32.self) == [0])
    let texts = TokenSequences(["abc", "d"], tokenizer: try ByteTokenizer(), prefix: "query", maximumTokens: 2)
    #expect(try texts.batch([0, 1])["query_ids"]?.values(as: Int32.self) == [0x61, 0x62, 0x64])
    #expect(try texts.batch([0, 1])["query_offsets"]?.values(as: Int32.self) == [0, 2, 3])
  }

  @Test func datasetsSideBySide() throws {
    let tokenizer = try ByteTokenizer()
    let queries = TokenSequences(["ab", "c"], tokenizer: tokenizer, prefix: "query")
    let answers = TokenSequences(["d", "efg"], tokenizer: tokenizer, prefix: "answer")
    let labels = try ArrayRows(["label": NDArray([0, 1] as [Int32], [2])])
    let zipped = try ZippedDataset(ZippedDataset(queries, answers), labels)
    #expect(zipped.count == 2 && zipped.tokenCount(of: 1) == 4)
    let batch = try zipped.batch([1])
    #expect(batch.keys.sorted() == ["answer_ids", "answer_offsets", "label", "query_ids", "query_offsets"])
    #expect(batch["answer_ids"]?.values(as: Int32.self) == [0x65, 0x66, 0x67])
    #expect(
      headline { try ZippedDataset(queries, TokenSequences([[1]])) }
        == "error: got datasets of 2 and 1 samples side by side, expected the same number")
    #expect(
      headline { try ZippedDataset(queries, queries) }
        == "error: got two datasets with an array \"query_ids\", expected names of their own; see `prefix`")
  }

  @Test func splitsHaveNoSampleInCommon() throws {
    let rows = try ArrayRows(["n": NDArray((0..<50).map { Int32($0) }, [50])])
    for seed in [nil, 1, 2] as [UInt64?] {
      for share in [0.001, 0.1, 0.5, 0.999] {
        let (training, heldOut) = try rows.split(heldOut: share, seed: seed)
        #expect(heldOut.count == min(max(Int((share * 50).rounded()), 1), 49))
        let numbers = try [training, heldOut].flatMap { part in
          try part.batch(Array(0..<part.count))["n"]!.values(as: Int32.self)
        }
        #expect(numbers.sorted() == (0..<50).map { Int32($0) })
        #expect((numbers == numbers.sorted()) == (seed == nil))
      }
    }
    let sequences = TokenSequences([[1], [2, 3], [4, 5, 6]])
    #expect(try sequences.split(heldOut: 0.3, seed: nil).heldOut.tokenCount(of: 0) == 3)
    for share in [0, 1, -1, .nan] {
      #expect(
        headline { try rows.split(heldOut: share, seed: 1) }
          == "error: got a share of \(share) to hold out, expected one between 0 and 1")
    }
    #expect(
      headline { try TokenSequences([[1]]).split(heldOut: 0.5, seed: 1) }
        == "error: got a dataset of 1 samples to split, expected at least 2")
  }

  @Test func errors() throws {
    let tokens = [Int32](repeating: 0, count: 4)
    #expect(headline { try TokenWindows(tokens, length: 4) } == "error: got 4 tokens, expected more than the 4 of a window")
    #expect(
      headline { try TokenWindows(tokens, length: 2, stride: 0) }
        == "error: got windows of 2 tokens every 0 tokens, expected at least 1 of both")
    #expect(headline { try TokenWindows(NDArray.zeros([4]), length: 2) } == "error: got tokens f32[4], expected i32[N]")
    #expect(headline { try ArrayRows([:]) } == "error: got no arrays, expected at least one with rows")
    #expect(
      headline { try ArrayRows(["a": .zeros([2]), "b": .zeros([3, 2])]) }
        == "error: got 3 rows of \"b\", expected 2 as of \"a\"")
  }

  /// The same for the same samples, however they are held; another for any change.
  @Test func fingerprints() throws {
    let tokens = (0..<500).map { Int32($0 * $0 % 97) }
    let windows = try TokenWindows(tokens, length: 8)
    let fingerprint = try windows.fingerprint()
    #expect(fingerprint.count == 16)
    #expect(try TokenWindows(NDArray(tokens, [500]), length: 8).fingerprint() == fingerprint)
    var others: Set<String> = [fingerprint]
    for place in [0, 1, 250, 496] {
      var changed = tokens
      changed[place] += 1
      others.insert(try TokenWindows(changed, length: 8).fingerprint())
    }
    others.insert(try TokenWindows(tokens, length: 9).fingerprint())
    others.insert(try TokenWindows(tokens, length: 8, stride: 7).fingerprint())
    others.insert(try TokenWindows(tokens.dropLast(8), length: 8).fingerprint())
    others.insert(try windows.split(heldOut: 0.2, seed: nil).training.fingerprint())
    others.insert(try windows.split(heldOut: 0.2, seed: 1).training.fingerprint())
    others.insert(try ArrayRows(["x": NDArray(tokens, [500])]).fingerprint())
    others.insert(try ArrayRows(["y": NDArray(tokens, [500])]).fingerprint())
    others.insert(try ArrayRows(["y": NDArray(tokens, [500, 1])]).fingerprint())
    #expect(others.count == 13)
    // Of a large dataset parts are read: the first and the last sample among them.
    let zeros = try NDArray(zeros: .u8, [1200, 1 << 16])
    let large = try ArrayRows(["x": zeros])
    for row in [0, 1199] {
      var changed = zeros
      changed[row, 7] = try NDArray([1 as UInt8], [])
      #expect(try ArrayRows(["x": changed]).fingerprint() != large.fingerprint())
    }
  }
}

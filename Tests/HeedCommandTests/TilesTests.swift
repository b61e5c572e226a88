import Foundation
import FoundationXML
import Heed
import HeedTestSupport
import Testing

@Suite struct TilesTests {
  /// Counts elements by name.
  private final class Counter: NSObject, XMLParserDelegate {
    var counts: [String: Int] = [:]

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String] = [:]
    ) { counts[name, default: 0] += 1 }
  }

  @Test func tellsAndDrawsTheTiles() throws {
    try withTemporaryFolder { folder in
      let picture = folder + "/map.svg"
      let result = try heed(
        "explain", "-", "--target", "aarch64-neon", "--size", "B=1", "--size", "S=1000", "--tiles", picture, input: causal)
      #expect(result.status == 0, "\(result.errors)")
      let text = """
        Tiles of %out, all 2 heads: 1000 x 1000 pairs in tiles of 48 x 384
          tiles        36 empty, 18 full, 21 partial
          live pairs   50.05 %; 95.54 % of the pairs attended to
          skipped      47.62 %: 30.5 MFLOP per head
          empty        36 by the range of keys
          full         18 by the interval extension
          partial      21 by the interval extension
          open         21 x j <= i
          evaluations  39 of the interval extension over tiles, per head
        """
      #expect(result.output.contains(text), "\(result.output)")
      let parser = XMLParser(data: try Data(contentsOf: URL(fileURLWithPath: picture)))
      let counter = Counter()
      parser.delegate = counter
      #expect(parser.parse())
      // The page, the map's ground, three lines of the legend, 39 live tiles, and what 20 of 21 blocks of rows do not see.
      #expect(counter.counts["rect"] == 64)
    }
  }

  @Test func tablesDecide() throws {
    try withTemporaryFolder { folder in
      let table = folder + "/document.npy"
      try ArrayFile.write(try NDArray((0..<100).map { Int32($0 / 40) }, [100]), name: "document", to: table)
      let result = try heed(
        "explain", Self.example("documents"), "--target", "aarch64-neon", "--input", "document=" + table, "--tiles", "-")
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("document[i] == document[j]"))
      // 40 * 41 / 2 pairs of each of two documents, and 20 * 21 / 2 of the last.
      #expect(result.output.contains("live pairs   18.50 %"), "\(result.output)")
    }
  }

  @Test func measuresTheCost() throws {
    let result = try heed("explain", "-", "--size", "B=1", "--size", "S=256", "--tiles", "-", input: causal)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("  classification  ") && result.output.contains("  share           "))
  }

  @Test func mistakesAreOneLine() throws {
    expectFailure(
      try heed("explain", "-", "--tiles", "map.gif", input: causal),
      "got the file map.gif for a picture, expected a name that ends in .svg or .png")
    expectFailure(
      try heed("explain", "-", "--tiles", "-", "--size", "B=1", input: causal), "got no value of S, expected the sizes --size S=..."
    )
    expectFailure(
      try heed("explain", "-", "--tiles", "-", "--size", "N=1", input: causal), "got a size of N, expected one of B, S")
    expectFailure(
      try heed("explain", Self.example("documents"), "--tiles", "-", "--size", "S=64"),
      "the mask of %out: got no input %document, expected one of type i32[S]")
    expectFailure(
      try heed(
        ["explain", "-", "--tiles", "/tmp/map.png", "--size", "B=1", "--size", "S=64", "--target", "aarch64-neon"], input: causal,
        environment: ["PATH": "/nonexistent"]), "apt install librsvg2-bin")
  }

  /// Sizes for which there are more tiles than anyone looks at: errors, at once.
  @Test(.timeLimit(.minutes(1)), arguments: ["1000000000", "2147483648", "4611686018427387904", "9223372036854775807"])
  func sizesWithoutEnd(size: String) throws {
    for example in ["causal-window", "neighbourhood"] {
      let result = try heed("explain", Self.example(example), "--tiles", "-", "--size", "S=\(size)")
      #expect(result.status == 1 && result.errors.split(separator: "\n").count == 1, "\(result.errors)")
      #expect(result.errors.contains("error: ") && (result.errors.contains("expected") || result.errors.contains("64 bits")))
    }
    // Few rows, and more keys than can be walked along.
    let wide = causal.replacing("%q: f32[B, 2, S, 16]", with: "%q: f32[B, 2, 4, 16]").replacing("B, 2, S, S", with: "B, 2, 4, S")
      .replacing("f32[B, 2, S, 16]\n  return", with: "f32[B, 2, 4, 16]\n  return")
    expectFailure(
      try heed("explain", "-", "--tiles", "-", "--size", "B=1", "--size", "S=\(size)", input: wide),
      size.count > 10 ? "64 bits" : "keys for a map of tiles, expected at most")
  }

  /// A map of the tiles of a call that no one would wait for.
  @Test func longCallsAreNotMeasured() throws {
    let result = try heed("explain", "-", "--tiles", "-", "--size", "B=100000", "--size", "S=2000", input: causal)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("not measured: got a call of ") && result.output.contains("expected at most 2000.00 GFLOP"))
  }

  @Test func sizesOfZero() throws {
    let result = try heed("explain", "-", "--tiles", "-", "--size", "B=0", "--size", "S=0", input: causal)
    #expect(result.status == 0, "\(result.errors)")
  }

  private static func example(_ name: String) -> String {
    (0..<3).reduce(URL(fileURLWithPath: #filePath)) { path, _ in path.deletingLastPathComponent() }.path
      + "/examples/masks/\(name).heed"
  }
}

import Heed
import HeedTestSupport
import Testing

/// `heed inspect`: the arrays of a file.
@Suite struct InspectCommandTests {
  private func withFile<Result>(_ body: (String) throws -> Result) throws -> Result {
    try withTemporaryFolder { folder in
      let path = folder + "/state.safetensors"
      try SafetensorsFile.write(
        [
          ("w", NDArray([3, -4, 0, 0] as [Float], [2, 2])), ("steps", NDArray([7] as [Int64], [])),
          ("bad", NDArray([1, .nan, .infinity] as [Float], [3]).converted(to: .bf16)), ("none", .zeros([0, 4])),
          ("mask", NDArray([true, false], [2])),
        ], metadata: ["step": "12"], to: path)
      return try body(path)
    }
  }

  @Test func table() throws {
    try withFile { path in
      let result = try heed(["inspect", path])
      #expect(result.status == 0 && result.errors.isEmpty)
      let expected = """
        step: 12
        name   type       norm  least  greatest  not finite
        bad    bf16[3]    1     1      1         2
        mask   bool[2]    -     0      1
        none   f32[0, 4]  0     -      -
        steps  i64[]      -     7      7
        w      f32[2, 2]  5     -4     3
        5 arrays, 10 elements, 32 bytes

        """
      #expect(result.output == expected)
      let some = try heed(["inspect", path, "--only", "*s*"])
      #expect(some.output.split(separator: "\n").dropFirst(2).map { $0.prefix(5) } == ["mask ", "steps", "2 arr"])
    }
  }

  @Test func json() throws {
    try withFile { path in
      let report = try JSON(parsing: try heed(["inspect", path, "--json"]).output.utf8.dropLast())
      let arrays = try #require(report["arrays"]?.array)
      #expect(report["metadata"]?["step"]?.string == "12" && arrays.count == 5)
      #expect(arrays.last?["name"]?.string == "w" && arrays.last?["norm"]?.double == 5 && arrays.last?["least"]?.double == -4)
      #expect(arrays.first?["not_finite"]?.integer == 2 && arrays[2]["least"] == nil)
    }
  }

  @Test func mistakes() throws {
    try withFile { path in
      let none = try heed(["inspect", path, "--only", "x*"])
      #expect(none.status == 1 && none.errors.contains("got no array whose name fits 'x*', expected one of 5"))
      #expect(try heed(["inspect", path + ".not"]).status == 1)
    }
  }
}

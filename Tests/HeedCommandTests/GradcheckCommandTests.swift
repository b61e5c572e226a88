import Foundation
import Heed
import HeedTestSupport
import Testing

/// `heed gradcheck`.
@Suite struct GradcheckCommandTests {
  private let graphs = """
    graph @linear(%x: f32[S, 3], parameter %w: bf16[3, 2]) {
      %0 = convert %w : f32[3, 2]
      %y = contract %x, %0 {subscripts = "sk,kn->sn"} : f32[S, 2]
      return %y
    }
    graph @squares(%x: f32[N]) {
      %0 = multiply %x, %x : f32[N]
      %loss = reduce %0 {dims = [0], kind = add} : f32
      return %loss
    }
    """
  /// The integer part has no derivative.
  private let wrong = """
    graph @wrong(%x: f32[S]) {
      %0 = multiply %x, 1125899906842624.0 : f32[S]
      %1 = convert %0 : i64[S]
      %2 = convert %1 : f32[S]
      %y = multiply %2, %x : f32[S]
      return %y
    }
    """

  /// The cells of a table, line by line.
  private func cells(_ result: CommandResult) -> [[String]] {
    result.output.split(separator: "\n").map { line in
      line.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }

  @Test func table() throws {
    let result = try heed("gradcheck", "-", "--size", "S=2", "--size", "N=3", "--seed", "3", input: graphs)
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(
      lines.filter { $0.hasPrefix("graph ") } == [
        "graph @linear in double precision, seed 3, S = 2", "graph @squares in double precision, seed 3, N = 3",
      ])
    let table = cells(result)
    #expect(
      table.contains(["result", "input", "check", "error", "at", "derivative", "expected", "checked", "near kinks"]),
      "\(result.output)")
    for start in [["y", "%x", "reverse"], ["y", "%w", "reverse"], ["loss", "%x", "forward"], ["loss", "%x", "inner product"]] {
      #expect(table.contains { $0.starts(with: start) }, "\(start)\n\(result.output)")
    }
    #expect(try heed("gradcheck", "-", "--size", "S=2", "--size", "N=3", "--seed", "3", input: graphs).output == result.output)
    #expect(try heed("gradcheck", "-", "--size", "S=2", "--size", "N=3", "--seed", "4", input: graphs).output != result.output)
  }

  @Test func json() throws {
    let result = try heed(
      "gradcheck", "-", "--graph", "linear", "--size", "S=2", "--json", "--second-order", "--compiled", "--optimized", input: graphs
    )
    #expect(result.status == 0, "\(result.errors)")
    let report = try JSON(parsing: result.output.utf8.dropLast())
    #expect(report["graph"]?.string == "linear" && report["seed"]?.integer == 1)
    let rows = try #require(report["rows"]?.array)
    let checks = Set(rows.compactMap { $0["check"]?.string })
    for check in ["reverse", "direction", "forward", "inner product"] {
      #expect(checks.isSuperset(of: [check, "\(check), compiled", "\(check), optimized"]), "\(checks)")
    }
    let results = Set(rows.compactMap { $0["result"]?.string })
    #expect(results.isSuperset(of: ["y", "gradient.x", "gradient.w"]), "\(results)")
    #expect(rows.allSatisfy { $0["error"]?.double.map { $0 < 1e-6 } == true && $0["near_kinks"]?.integer == 0 })
    let gradient = try #require(rows.first { $0["check"]?.string == "reverse" && $0["input"]?.string == "%w" })
    #expect(gradient["at"]?.array?.count == 2 && gradient["derivative"]?.double != nil && gradient["expected"]?.double != nil)
  }

  @Test func wrongDerivativesFail() throws {
    let result = try heed("gradcheck", "-", "--size", "S=3", input: wrong)
    expectFailure(result, "@wrong: ")
    #expect(result.errors.contains("by central differences, within 1e-06 of it"))
    #expect(cells(result).contains { $0.starts(with: ["y", "%x", "reverse"]) }, "the table comes first")
    let json = try heed("gradcheck", "-", "--size", "S=3", "--json", input: wrong)
    #expect(json.status == 1 && json.output.hasPrefix("{\"graph\": \"wrong\""))
    #expect(try heed("gradcheck", "-", "--size", "S=3", "--bound", "0.9", input: wrong).status == 0)
  }

  /// Inputs from files, of the type of the graph or in double precision.
  @Test func files() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/x.npy"
      for array in [try NDArray([3, 4] as [Float], [2]), try NDArray([3, 4] as [Double], [2])] {
        try NumPyFile.write(array, to: path)
        let result = try heed("gradcheck", "-", "--graph", "squares", "--input", "x=" + path, input: graphs)
        #expect(result.status == 0 && result.output.contains("N = 2"), "\(result.errors)")
        let row = try #require(cells(result).first { $0.starts(with: ["loss", "%x", "reverse"]) })
        #expect(row[4] == "[0]" || row[4] == "[1]")
      }
      try NumPyFile.write(NDArray([3, 4] as [Int32], [2]), to: path)
      expectFailure(
        try heed("gradcheck", "-", "--graph", "squares", "--input", "x=" + path, input: graphs), "%x: got the element type i32")
      try Data("nonsense".utf8).write(to: URL(fileURLWithPath: path))
      expectFailure(try heed("gradcheck", "-", "--graph", "squares", "--input", "x=" + path, input: graphs), "x.npy")
    }
  }

  @Test func mistakes() throws {
    expectFailure(
      try heed("gradcheck", "-", "--graph", "linear", input: graphs), "got no value of S, expected the sizes --size S=...")
    expectFailure(try heed("gradcheck", "-", "--size", "T=3", input: graphs), "got a size of T, expected one of S, N")
    expectFailure(
      try heed("gradcheck", "-", "--size", "S=3", "--with", "z", input: wrong),
      "@wrong: got the argument 'z' to differentiate, expected one of x")
    expectFailure(
      try heed("gradcheck", "-", "--size", "S=3", "--of", "z", input: wrong),
      "@wrong: got the result 'z' to differentiate, expected one of y")
    expectFailure(try heed("gradcheck", "-", "--size", "S=0", input: wrong), "expected one that is not 0")
    expectFailure(try heed("gradcheck", "-", "--size", "S=99999999999999", input: wrong), "error: ")
    let whole = "graph @g(%i: i32[2]) {\n  return %i\n}"
    expectFailure(try heed("gradcheck", "-", input: whole), "@g: got a graph without an input of floats")
    #expect(try heed("gradcheck", "-", "--bound", "0", input: wrong).status == 64)
    #expect(try heed("gradcheck", "-", "--elements", "-1", input: wrong).status == 64)
    #expect(try heed("gradcheck", "--help").output.contains("central"))
  }
}

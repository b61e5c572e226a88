import Heed
import HeedIR
import Testing

/// Numbers near 2^31, 2^40, 2^56 and 2^63 in graphs, wherever one may stand: an error in one line, or a program whose text reads back.
@Suite struct LargeNumberTests {
  private static let numbers = [
    "2147483647", "2147483648", "4294967296", "1099511627776", "36028797018963968", "72057594037927935", "72057594037927936",
    "4611686018427387904", "9223372036854775807", "9223372036854775808", "-2147483648", "-9223372036854775808",
  ]

  private static let attention = """
    score (%s: f32, %i: i64, %j: i64) {
      yield %s
    } where (%i: i64, %j: i64) {
      %back = subtract %i, %j : i64
      %near = less %back, LARGE : bool
      yield %near
    }
    """

  /// Graphs with a place LARGE.
  private static let graphs = [
    "%x: f32[S, LARGE]": [
      "%r = multiply %x, 2.0 : f32[S, LARGE]", "%r = softmax %x {dim = 1} : f32[S, LARGE]",
      "%r = reduce %x {dims = [1], kind = add} : f32[S]", "%r = reduce %x {dims = [0], kind = add} : f32[LARGE]",
      "%r = transpose %x {permutation = [1, 0]} : f32[LARGE, S]", "%r = scan %x {dim = 1, kind = add} : f32[S, LARGE]",
      "%r = log_sum_exp %x {dim = 1} : f32[S]", "%r = iota {dim = 1} : i64[S, LARGE]",
      "%r = concatenate %x, %x {dim = 1} : f32[S, LARGE + LARGE]", "%r = broadcast %x {dims = [1, 2]} : f32[LARGE, S, LARGE]",
      "%r = pad %x {low = [0, LARGE], high = [LARGE, 0], value = 0.0} : f32[S + LARGE, LARGE + LARGE]",
    ],
    "%x: f32[S, LARGE], %y: f32[LARGE, LARGE]": ["%r = contract %x, %y {subscripts = \"ik,kj->ij\"} : f32[S, LARGE]"],
    "%x: f32[2, LARGE], %y: f32[LARGE, 3]": ["%r = contract %x, %y {subscripts = \"ik,kj->ij\"} : f32[2, 3]"],
    "%x: f32[LARGE, S, 4], %y: f32[LARGE, 4, T]": ["%r = contract %x, %y {subscripts = \"bik,bkj->bij\"} : f32[LARGE, S, T]"],
    "%x: f32[A, B, LARGE, LARGE], %y: f32[LARGE, LARGE, C]": [
      "%r = contract %x, %y {subscripts = \"abcd,cde->abe\"} : f32[A, B, C]"
    ],
    "%q: f32[S, LARGE], %k: f32[S, LARGE], %v: f32[S, LARGE]": [
      "%r = linear_attention %q, %k, %v : f32[S, LARGE]", "%r = attention %q, %k, %v \(attention) : f32[S, LARGE]",
      """
      %s = contract %q, %k {subscripts = "id,jd->ij"} : f32[S, S]
      %p = softmax %s {dim = 1} : f32[S, S]
      %r = contract %p, %v {subscripts = "ij,je->ie"} : f32[S, LARGE]
      """,
    ],
    "%q: f32[LARGE, 8], %k: f32[LARGE, 8], %v: f32[LARGE, 8]": [
      "%r = attention %q, %k, %v \(attention) : f32[LARGE, 8]", "%r = linear_attention %q, %k, %v : f32[LARGE, 8]",
    ],
    "%q: f32[T, 4], %k: f32[T, 4], %v: f32[T, 4], %offsets: i32[B + 1]": [
      "%r = attention %q, %k, %v, %offsets \(attention) {ragged = LARGE} : f32[T, 4]",
      "%r = attention %q, %k, %v, %offsets \(attention) {sink = LARGE} : f32[T, 4]",
      "%r = attention %q, %k, %v \(attention) {tile = [LARGE, LARGE]} : f32[T, 4]",
      "%r = linear_attention %q, %k, %v, %offsets {decay = LARGE} : f32[T, 4]",
      "%r = segment_ids %offsets : i32[LARGE]",
    ],
    "%x: f32[S, 8]": [
      "%r = slice %x {start = [LARGE, 0], stop = [LARGE, 8]} : f32[0, 8]",
      "%r = slice %x {start = [0, 0], stop = [S, LARGE]} : f32[S, LARGE]",
      "%r = slice %x {start = [0, 0], stop = [S, 8], step = [1, LARGE]} : f32[S, 1]",
      "%r = slice %x {start = [S, 0], stop = [S + LARGE, 8]} : f32[LARGE, 8]",
      "%r, %i = top_k %x {count = LARGE} : f32[S, LARGE], i32[S, LARGE]", "%r = reduce %x {dims = [LARGE], kind = add} : f32[S]",
      "%r = reshape %x : f32[8*S*LARGE]", "%r = extent {value = [LARGE*S]} : i32", "%r = extent {value = [LARGE*S]} : i64",
      "%c = constant {value = [LARGE]} : i64[1] %r = convert %c : i32[1]",
    ],
    "%x: i64[S]": [
      "%r = add %x, LARGE : i64[S]", "%r = multiply %x, LARGE : i64[S]", "%r = shift_left %x, LARGE : i64[S]",
      "%r = divide %x, LARGE : i64[S]", "%r = remainder %x, LARGE : i64[S]",
    ],
    "%x: f32[LARGE*S, S*S]": ["%r = multiply %x, 2.0 : f32[LARGE*S, S*S]", "%r = reduce %x {dims = [0], kind = add} : f32[S*S]"],
    "%x: f32[floor(S/LARGE)], %y: f32[S, LARGE]": ["%r = multiply %x, 2.0 : f32[floor(S/LARGE)]"],
    "%x: f32[0, LARGE], %y: f32[LARGE, 0]": [
      "%r = contract %x, %y {subscripts = \"ik,kj->ij\"} : f32[0, 0]",
      "%r = contract %y, %x {subscripts = \"ik,kj->ij\"} : f32[LARGE, LARGE]", "%r = softmax %x {dim = 0} : f32[0, LARGE]",
    ],
  ]

  @Test(arguments: graphs.sorted { $0.key < $1.key }.flatMap { graph in graph.value.map { (graph.key, $0) } })
  func numbers(arguments: String, body: String) throws {
    for number in Self.numbers {
      let text = "graph @test(\(arguments)) {\n\(body)\nreturn %r\n}".replacing("LARGE", with: number)
      do {
        let graph = try Graph.parse(text, file: "test")[0]
        let lowered = try graph.lowered(CompileOptions(cache: ObjectCache(directory: nil)))
        let printed = lowered.program.text
        #expect(try Program.parse(printed, file: "printed").map(\.text) == [printed], "\(text)")
        #expect(try Graph.parse(lowered.graph.text, file: "printed")[0].text == lowered.graph.text, "\(text)")
      } catch let error as HeedError {
        #expect(!error.headline.contains { $0.isNewline } && error.headline.utf8.count < 600, "\(text)\n\(error)")
      }
    }
  }

  @Test func longMessagesAreCut() {
    let error = HeedError("got \(String(repeating: "1, ", count: 100_000))")
    #expect(error.headline.utf8.count < 2000 && error.headline.hasSuffix(" ...") && error.headline.hasPrefix("error: got 1, 1, "))
    #expect(HeedError("short").headline == "error: short")
  }
}

import HeedIR
import Testing

@Suite struct GraphTextTests {
  static let causal = """
    graph @causal(%q: f32[B, 8, S, 64], %k: f32[B, 8, S, 64], parameter %w: f32[64, 64]) facts (S % 16 == 0, N == H*W) {
      %scores = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 8, S, S]
      %scaled = multiply %scores, 0.125 : f32[B, 8, S, S]
      %i = iota {dim = 2} : i32[B, 8, S, S]
      %0 = iota {dim = 3} : i32[B, 8, S, S]
      %live = less_equal %0, %i : bool[B, 8, S, S]
      %masked = select %live, %scaled, -inf : f32[B, 8, S, S]
      %c = constant {value = [1.0, 0.1]} : f32[2]
      %1 = constant {value = [0.5]} : f32
      return %masked, %c
    }
    """

  @Test func printedTextParsesToItself() throws {
    let graphs = try Graph.parse(Self.causal)
    #expect(graphs.count == 1)
    #expect(graphs[0].text == Self.causal)
    #expect(graphs[0].arguments.map(\.role) == [.input, .input, .parameter])
    #expect(graphs[0].facts.count == 2)
  }

  @Test func namesAreMadeUniqueAndQuoted() throws {
    var graph = Graph(name: "odd name")
    let x = graph.addArgument("x", TensorType(.f32, ["S"]))
    func add(_ operands: [ValueID], _ name: Name) throws -> ValueID {
      let node = try graph.append(.add, operands, names: [name])
      return graph.result(node)
    }
    let y = try add([x, x], "x")
    let z = try add([y, y], "a \"b\"\n\u{301}")
    let w = try add([z, x], "x.1")
    let v = try add([w, w], "12")
    graph.setResults([v])
    let text = graph.text
    #expect(text.contains("graph @\"odd name\"(%x: f32[S])"))
    #expect(text.contains("%x.1 = add %x, %x"))
    #expect(text.contains("%x.1.1 = add"))
    #expect(text.contains("%0 = add %x.1.1, %x.1.1"))
    let again = try Graph.parse(text)[0]
    #expect(again.text == text)
    #expect(again.name(again.result(again.body[1])).text == "a \"b\"\n\u{301}")
  }

  @Test func constantsStandInPlaceOnlyWhereTheirTypeFollows() throws {
    let text = """
      graph @f(%x: f32[S], %b: bool[S]) {
        %0 = constant {value = [2.0]} : f32
        %c = less %0, 3.0 : bool
        %1 = add 2.0, 3.0 : f32
        %y = select %b, %x, 1e-06 : f32[S]
        %z = select true, %y, %x : f32[S]
        %2 = constant {value = [7]} : i32
        %w = convert %2 : f32
        %r = add %z, %1 : f32[S]
        return %r, %w, %c
      }
      """
    #expect(try Graph.parse(text)[0].text == text)
  }

  @Test func regionsPrintAndParse() throws {
    var region = ScalarFunction(
      parameters: [.init("s", .f32), .init("i", .i32)], tables: [.init("bias", TensorType(.f32, [8, "S"]))])
    let scale = region.constant(Literal(0.125), .f32)
    let scaled = try region.append(.multiply, [region.parameter(0), scale])
    let three = region.constant(Literal(3), .i32)
    let bias = try region.element(ofTable: 0, [three, region.parameter(1)], name: "b")
    region.results = [try region.append(.add, [scaled, bias])]
    #expect(
      region.description == """
        (%s: f32, %i: i32) {
          %0 = multiply %s, 0.125 : f32
          %b = element %bias[3, %i] : f32
          %1 = add %0, %b : f32
          yield %1
        }
        """)
    try region.verify()
  }

  @Test(arguments: [
    ("graph @f(%x: f32[S]) {\n  %y = sofmax %x\n  return %y\n}", 2, 8, "expected an op"),
    ("graph @f(%x: f32[S]) {\n  %y = add %x, %x\n  return %z\n}", 3, 10, "expected a value that is defined above"),
    ("graph @f(%x: f32[S]) {\n  %x = add %x, %x\n  return %x\n}", 2, 3, "line 1 defines"),
    ("graph @f(%x: f32[S], %y: f32[T]) {\n  %z = add %x, %y\n  return %z\n}", 2, 8, "expected equal shapes"),
    ("graph @f(%x: f32[S]) {\n  %y = add %x, %x : f64[S]\n  return %y\n}", 2, 8, "expected f32[S]"),
    ("graph @f(%x: f32[S]) {\n  %y = iota {dim = 0}\n  return %y\n}", 3, 3, "result type"),
    ("graph @f(%x: f32[S]) {\n  %y = iota {dmi = 0} : i32[S]\n  return %y\n}", 2, 14, "did you mean dim?"),
    ("graph @f(%x: i32[S]) {\n  %y = add %x, 0.5\n  return %y\n}", 2, 16, "expected a value of type i32"),
    ("graph @f(%x: f32[\(String(repeating: "(", count: 110))S]) {", 1, 119, "levels deep"),
  ])
  func errorsPointAtThePlace(text: String, line: Int, column: Int, message: String) {
    #expect {
      try Graph.parse(text, file: "f.heed")
    } throws: { error in
      guard let error = error as? HeedError, let location = error.location else { return false }
      return location == SourceLocation(file: "f.heed", line: line, column: column) && error.message.contains(message)
        && error.sourceLine != nil
    }
  }

  @Test func verifierAcceptsAndRejects() throws {
    try Graph.parse("graph @f(%x: f32[S]) {\n  return %x\n}")[0].verify()
    func message(_ text: String) -> String {
      do {
        try Graph.parse(text)[0].verify()
        return ""
      } catch { return "\(error)" }
    }
    #expect(message("graph @f(%x: f32[S*T]) {\n  return %x\n}").contains("the symbol S does not follow"))
    #expect(message("graph @f(%x: f32[S*T], %y: f32[T]) {\n  return %x\n}") == "")
    #expect(message("graph @f(%x: f32[N], %y: f32[H, W]) facts (N == H*W) {\n  return %x\n}") == "")
    #expect(message("graph @f(%x: f32[S]) facts (T % 2 == 0) {\n  return %x\n}").contains("the symbol T in the fact"))
    let unknown = "graph @f(%x: f32[S]) {\n  %y = iota {dim = 0} : i32[T]\n  return %y\n}"
    #expect(message(unknown).contains("the symbol T in the type of %y"))
  }

  @Test func symbolsFollowFromExtents() {
    #expect(SymbolBinding.unsolvable(extents: ["B*S + 1", "S", "ceil(S/2)"]) == [])
    #expect(SymbolBinding.unsolvable(extents: ["ceil(S/2)"]) == ["S"])
    #expect(SymbolBinding.unsolvable(extents: ["S*S"]) == ["S"])
    #expect(SymbolBinding.unsolvable(extents: ["H", "N"], facts: [.equal("N*2", "W*H")]) == [])
    #expect(SymbolBinding.unsolvable(extents: ["H*W"], facts: [.equal("H", "2*W + 1")]) == ["H", "W"])
  }
}

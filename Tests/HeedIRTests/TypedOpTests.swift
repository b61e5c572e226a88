import HeedIR
import Testing

/// Attributes by key, results by name, captured operands by key.
@Suite struct TypedOpTests {
  private static let text = """
    graph @f(%q: f32[S, 8], %k: f32[S, 8], %v: f32[S, 4], %offsets: i32[B], %sink: f32[S]) {
      %o, %lse = attention %q, %k, %v, %offsets, %sink score (%s: f32, %i: i32, %j: i32) {
        yield %s
      } where (%i: i32, %j: i32) {
        yield true
      } {log_sum_exp = true, ragged = 0, sink = 1} : f32[S, 4], f32[S]
      %top, %places = top_k %lse {count = 2} : f32[2], i32[2]
      return %o, %top, %places
    }
    """

  private func node(_ op: Op, in graph: Graph) throws -> NodeID { try #require(graph.body.first { graph.op($0) == op }) }

  @Test func attributesAreReadByKey() throws {
    let graph = try Graph.parse(Self.text)[0]
    let attributes = graph.attributes(try node(.attention, in: graph))
    #expect(attributes.isSet(.logSumExp) && !attributes.isSet(.maximum))
    #expect(attributes[.sink] == CapturedOperand(1) && attributes[.tile] == nil)
    #expect(attributes.only(.sink).all == [Attribute(.sink, CapturedOperand(1))])
    #expect(graph.attributes(try node(.topK, in: graph)).required(.count) == 2)
  }

  @Test func valuesOfEveryTypeComeBack() throws {
    func comesBack<Value>(_ key: AttributeKey<Value>, _ value: Value) -> Bool {
      Attributes([Attribute(key, value)]).required(key) == value
    }
    #expect(comesBack(.dim, 3) && comesBack(.dims, [0, 2]) && comesBack(.exclusive, true))
    #expect(comesBack(.epsilon, Literal(0.5)) && comesBack(.constantValue, [Literal(1), Literal(2)]))
    #expect(comesBack(.start, [0, "S", "2*S"]) && comesBack(.ragged, CapturedOperand(2)))
    #expect(comesBack(.subscripts, try ContractSubscripts("bij,bjk->bik")))
    for kind in Reduction.allCases { #expect(comesBack(.kind, kind)) }
    for weights in AttentionWeighting.allCases { #expect(comesBack(.weights, weights)) }
  }

  /// A key that an op does not have reads as absent, also where another op has one of that name and another type.
  @Test func aKeyOfAnotherTypeReadsNothing() {
    let attributes = Attributes([Attribute(.padValue, Literal(1))])
    #expect(attributes[.constantValue] == nil && attributes[.extentValue] == nil && attributes[.dim] == nil)
  }

  @Test func resultsAreFoundByName() throws {
    let graph = try Graph.parse(Self.text)[0]
    let (attention, topK) = (try node(.attention, in: graph), try node(.topK, in: graph))
    func name(_ node: NodeID, _ result: ResultName) -> Name? { graph.result(node, result).map(graph.name) }
    #expect(name(attention, .output) == "o" && name(attention, .logSumExp) == "lse" && name(attention, .maximum) == nil)
    #expect(name(topK, .values) == "top" && name(topK, .indices) == "places" && name(topK, .output) == nil)
  }

  @Test func capturedOperandsAreFoundByKey() throws {
    let graph = try Graph.parse(Self.text)[0]
    let attention = try node(.attention, in: graph)
    #expect(graph.captured(attention).map(graph.name) == ["offsets", "sink"])
    #expect(graph.captured(attention, .ragged).map(graph.name) == "offsets")
    #expect(graph.captured(attention, .sink).map(graph.name) == "sink" && graph.captured(attention, .decay) == nil)
  }

  @Test func subscriptsAreWellFormed() throws {
    let subscripts = try ContractSubscripts("bhid,bhjd->bhij")
    #expect(subscripts == ContractSubscripts(left: subscripts.left, right: subscripts.right, result: subscripts.result))
    #expect(subscripts.text == "bhid,bhjd->bhij" && subscripts.swapped.text == "bhjd,bhid->bhij")
    #expect(String(subscripts.batch + subscripts.over + subscripts.leftFree + subscripts.rightFree) == "bhdij")
    for text in ["", "ij", "ij,jk", "ij,jk->", "ii,ij->ij", "ij,jk->il", "i1,1k->ik"] {
      #expect(throws: HeedError.self) { try ContractSubscripts(text) }
    }
  }

  @Test func namesAreGivenOnce() {
    for op in Op.all {
      let keys = op.attributes.map(\.key)
      #expect(Set(keys).count == keys.count, "\(op)")
      guard case .named(let results) = op.results else { continue }
      #expect(Set(results.map(\.name)).count == results.count && !results.isEmpty, "\(op)")
    }
  }
}

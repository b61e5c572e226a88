import HeedDSL
import HeedIR
import Testing

/// Extents as Swift writes them, and those that are not extents.
@Suite struct ExtentTests {
  @Test func numbersTextAndExtentsInOneShape() throws {
    let (n, name) = (3, "S")
    let extent: Extent = "\(n)*\(name) + 1"
    #expect(([n, "S", 2 * n, extent, extent - 1, "\(n)*S"] as Shape).description == "[3, S, 6, 3*S + 1, 3*S, 3*S]")
    #expect(extent + 2 == "3*S + 3" && 2 * extent == "6*S + 2" && 7 - extent == "6 - 3*S" && extent * n == "9*S + 3")
    var grown = extent
    grown += 4
    grown *= "B"
    grown -= n
    #expect(grown == "3*B*S + 5*B - 3")
    let text = try text { g in
      let x = g.input("x", .f32, [n, "S", 2 * n])
      return [x.reshape([n, -1]), x[.from(1)], x[0, .from("S - 1"), .range(1, n, step: 2)], g.size(n), g.size("S")]
    }
    #expect(text.contains("reshape %x : f32[3, 6*S]") && text.contains("start = [1, 0, 0], stop = [3, S, 6]"))
  }

  private func mistakeOf(_ extent: Extent) -> String? { mistake { g in g.input("x", .f32, [2, extent]) * 2 }?.message }

  /// Text that is not an extent is a mistake of the graph, with the line.
  @Test(arguments: ["batch size", "", "S +", "größe", "S S", "3S", "S/0", "floor(S/0)", "(S", "S -", "2.5", "S\n+"])
  func textThatIsNotAnExtent(_ text: String) throws {
    var line = 0
    let failure = mistake { g in
      line = #line + 1
      let x = g.input("x", .f32, ["\(text)"])
      return x * 2
    }
    let error = try #require(failure)
    #expect(error.message.hasPrefix("got the extent \"\(text)\", which is not one: got "))
    #expect(error.location == HeedIR.SourceLocation(file: #filePath, line: line))
  }

  @Test func extentsThatLeave64Bits() {
    #expect(
      mistakeOf("S * 4611686018427387904")?.hasSuffix("got an extent with a coefficient of 2^56 or more, expected less") == true)
    let large = Extent(symbol: "S") * (1 << 62)
    let overflow = "got an extent with a coefficient of 2^56 or more, expected less"
    #expect(mistakeOf(large) == overflow && mistakeOf(large * large) == overflow && mistakeOf(Extent(Int.min)) == overflow)
    #expect(mistakeOf(-5) == "got the extent -5 of a f32[2, -5], expected at least 0")
    #expect(mistakeOf(Extent("S").dividedRoundingUp(by: 0)) == "got S divided by 0, expected a divisor of at least 1")
    #expect(mistakeOf(([2, 3] as Shape)[2]) == "got dimension 2 of the shape [2, 3], expected one in 0 ..< 2")
    #expect(mistakeOf(Extent(symbol: "a b")) == "got the symbol \"a b\", expected a word of letters, digits and _")
    let long = (0..<8).reduce(Extent(1)) { product, n in product * (Extent(symbol: Name("A\(n)")) + Extent(symbol: Name("B\(n)"))) }
    #expect(mistakeOf(long) == "got an extent of more than 64 terms or 32 factors, expected less")
  }

  /// What grows with each step ends soon: the result is a mistake before the work is done.
  @Test func extentsThatGrowWithoutEnd() {
    let tooLong = "got an extent of more than 64 terms or 32 factors, expected less"
    var (product, sum, power, nested): (Extent, Extent, Extent, Extent) = (1, 0, "A", "A")
    for step in 0..<60 {
      product *= Extent(symbol: Name("S\(step)")) + 1
      power *= power
      sum += product
      nested = nested.dividedRoundingUp(by: 3) * nested.dividedRoundingDown(by: 2) + 1
    }
    for _ in 0..<2000 { nested = (nested + 1).dividedRoundingDown(by: 2) }
    for extent in [product, sum, power, nested, product * product, product * 0, product.dividedRoundingUp(by: 7)] {
      #expect(mistakeOf(extent) == tooLong)
    }
    var deep: Extent = "S"
    for _ in 0..<100_000 { deep = (deep + 1).dividedRoundingDown(by: 2) }
    #expect(mistakeOf(deep) == tooLong)
    // Counts of elements may have more terms than an extent.
    let shape = Shape((0..<9).map { Extent(symbol: Name("S\($0)")) + 1 })
    #expect(shape.mistake == nil && shape.count.terms.count == 512 && !shape.count.symbols.isEmpty)
    #expect(mistakeOf(shape.count) == tooLong)
  }

  @Test func everywhereThatTakesExtents() {
    let bad: Extent = "two words"
    let calls: [(GraphBuilder, Tensor) -> Tensor] = [
      { g, _ in g.full([bad], 1) }, { g, _ in g.iota([bad]) }, { g, _ in g.size(bad) }, { g, x in x.reshape([bad]) },
      { _, x in x.broadcast(to: [bad, 4]) }, { _, x in x[bad] }, { _, x in x[.from(bad)] }, { _, x in x[.range(0, bad)] },
      { _, x in x.padded(low: [bad], high: [0]) }, { _, x in x.roll(bad) }, { _, x in x.split(sizes: [bad])[0] },
      { g, x in g.segmentIDs(x.cast(to: .i32), count: bad) }, { _, x in x.cast(to: .i32).oneHot(bad) },
      { g, x in
        g.assume(bad, equals: 4)
        return x
      },
      { g, x in
        g.assume(bad, isMultipleOf: 4)
        return x
      },
    ]
    for (number, call) in calls.enumerated() {
      let error = mistake { g in call(g, g.input("x", .f32, [4])) }
      #expect(error?.message.contains("\"two words\", which is not one") == true, "\(number): \(error?.message ?? "no error")")
    }
  }
}

import HeedIR
import HeedLowering
import Testing

/// Kernels as they are built, read as text.
@Suite struct KernelBuilderTests {
  /// The lines of a kernel's only phase, without its braces.
  private func lines(_ name: Name = "run", _ build: (KernelBuilder, IntegerExpression) throws -> Void) throws -> String {
    let builder = KernelBuilder("built")
    let (domain, point) = builder.dimension("t", .symbol("N"))
    try builder.phase(name, [domain]) { try build(builder, point) }
    let text = try Verified(builder.kernel.declaringSymbols).ir.text
    return text.split(separator: "\n").dropFirst(2).dropLast(2).map { $0.dropFirst(4) }.joined(separator: "\n")
  }

  @Test func blocksNest() throws {
    let text = try lines { builder, t in
      let count = builder.scalar("count", .i64, initial: 0)
      builder.loop("i", to: 8, step: 2) { i in
        builder.branch(.apply(.less, i, t)) {
          builder.set(count, count.value + i)
        } otherwise: {
          builder.set(count, 0)
        }
      }
      builder.set(count, t)
    }
    #expect(
      text == """
        var %count : i64 = 0
        for %i = 0 to 8 step 2 {
          if %i < %t {
            set %count = %count + %i
          } else {
            set %count = 0
          }
        }
        set %count = %t
        """)
  }

  @Test func loopsNestFromTheOutside() throws {
    let text = try lines { builder, t in
      let sum = builder.scalar("sum", .i64, initial: 0)
      builder.nest([("a", 2), ("b", t)]) { indices in builder.set(sum, indices[0] * t + indices[1]) }
      builder.nest([]) { indices in builder.set(sum, .constant(indices.count)) }
    }
    #expect(
      text == """
        var %sum : i64 = 0
        for %a = 0 to 2 step 1 {
          for %b = 0 to %t step 1 {
            set %sum = %a*%t + %b
          }
        }
        set %sum = 0
        """)
  }

  /// A tile's number is its position in the text, whichever block it stands in; each phase counts from 0.
  @Test func tilesAreNumberedInTextualOrder() throws {
    let builder = KernelBuilder("tiles")
    var places: [Place] = []
    func tile(_ name: Name) { places.append(builder.tile(name, .f32, [4])) }
    builder.phase("first", []) {
      tile("a")
      builder.loop("i", to: 4) { i in
        tile("b")
        builder.branch(.apply(.less, i, 2)) {
          tile("c")
        } otherwise: {
          tile("d")
        }
      }
      places.append(builder.scalar("e", .f32).access.place)
    }
    builder.phase("second", []) { tile("f") }
    #expect(places == [.tile(0), .tile(1), .tile(2), .tile(3), .tile(4), .tile(0)])
    #expect(builder.kernel.phases.map { $0.body.tileCount } == [5, 1])
  }

  @Test(arguments: [(1, "set %x = 1"), (0, "set %x = 2")])
  func aBranchOnAConstantIsOneSide(condition: Int, expected: String) throws {
    let text = try lines { builder, _ in
      let x = builder.scalar("x", .i32)
      builder.branch(.constant(condition)) {
        builder.set(x, 1)
      } otherwise: {
        builder.set(x, 2)
      }
    }
    #expect(text == "var %x : i32\n\(expected)")
  }

  @Test func onlyWhatIsComputedGetsAName() throws {
    let text = try lines { builder, t in
      #expect(builder.define("constant", 3) == 3)
      #expect(builder.define("same", t) == t)
      let next = builder.define("next", t + 1)
      let x = builder.scalar("x", .i64)
      builder.set(x, next)
    }
    #expect(text == "let %next = %t + 1\nvar %x : i64\nset %x = %next")
  }

  @Test func bodiesAreStatements() throws {
    let text = try lines { builder, t in
      let row = builder.tile("row", .f32, [16])
      builder.map([("c", .apply(.minimum, t, 16))]) { body, index in body.store(body.constant(1, .f32), Access(row, index[0])) }
      builder.compute { body in
        let x = body.load(Access(row, 0), .f32)
        body.store(body.apply(.add, x, x), Access(row, 0))
      }
    }
    #expect(
      text == """
        tile %row : f32[16]
        map (%c : min(%t, 16)) {
          store 1.0, %row[%c]
        }
        do {
          %0 = load %row[0] : f32
          %1 = add %0, %0 : f32
          store %1, %row[0]
        }
        """)
  }

  /// A phase under a condition, and a throw in a block, which leaves the builder in the block around it.
  @Test func aThrowLeavesTheBlock() throws {
    let builder = KernelBuilder("thrown")
    let x = builder.workspace("x", TensorType(.i32, [1]))
    builder.phase("run", [], when: .apply(.less, 0, .symbol("N"))) {
      #expect(throws: HeedError.self) {
        try builder.loop("i", to: 4) { _ in throw HeedError("stop") }
      }
      builder.set(Access(x, 0), 7)
    }
    #expect(builder.kernel.phases[0].body == [.assign(Access(x, 0), 7)])
    #expect(builder.kernel.phases[0].condition == .apply(.less, 0, .symbol("N")))
  }
}

extension Kernel {
  fileprivate var declaringSymbols: Kernel {
    var kernel = self
    kernel.declareMentionedSymbols()
    return kernel
  }
}

import HeedIR
import Testing

/// Kernel text: printing what was parsed is the identity, errors point at their places, no text crashes the parser.
struct KernelTextTests {
  /// Every construct of the language, in printed form.
  static let everything = """
    kernel @every.thing(
        input %x: f32[B, 8, S, 64],
        input %"odd name": bf16[S, 64] strides [128, 1],
        input %table: i32[ceil(S/16)],
        inout %state: f64,
        input %state.count: i64,
        output %y: f32[B, 8, S, 64],
        workspace %panels: f32[B, 8, ceil(S/48), 64, 48]
    ) symbols (N, M.1) {
      phase @pack (%b : B, %h : 8, %p : ceil(S/48)) {
        map (%d : 64, %c : 48) {
          %x.1 = load %x[%b, %h, (%p*48 + %c)?, %d] else 0.0 : f32
          store %x.1, %panels[%b, %h, %p, %d, %c]
        }
      }
      phase @run () if 1 < N || %state.count <= 3 {
        tile %scores : f32[96, 48]
        var %total : i32 = 0
        var %least : f64 = inf
        let %rows = min(S - N*M.1, max(96, B*2 % 7))
        for %j = %table[0] to (S + 1)*8 step 48 {
          tile %best : f32[96]
          if %j < S && !PLACEHOLDER || S <= %rows && %j/2 - (%rows - 1) != -3 {
            map (%r : %rows) {
              store -inf, %best[%r]
              store 0.0, %state
            }
          } else {
            set %total = %total % 2 + (.open - .full)
            do {
              %old = load %state : f64
              store %old, %least
            }
            contract (%r : %rows) x (%p : 1, %c : 48) over (%d : 64)
                %x[0, %table[%r/16], %r, %d] * %panels[0, 0, %p, %d, %c] ahead %panels[1, 0, %p, %d, %c] from %scores[%r, %p*48 + %c] as %s : f32 {
              %i = index %j + %p*48 + %c << 2 >> (%r & 3) : i32
              %0 = multiply %s, 0.125 : f32
              %1 = add 1.0, %0 : f32
              %c.1 = constant 4.0 : f32
              %live = less_equal %i, 17 : bool
              %2 = select %live, %1, -inf : f32
              %wide = convert %2 : f64
              %3 = subtract %wide, %wide : f64
              %t = load %table[%i?] else -1 : i32
              %4 = load %"odd name"[%t, %c] : f32
              %5 = select true, %4, nan : f32
              store %c.1, %scores[%r, (%p*48 + %c)?]
              store 1e-06, %y[0, 0, (%r | 1 | 2)?, %c]
              accumulate maximum %2, %best[%r]
              accumulate add 1, %total
            }
          }
        }
      }
    }
    """.replacing("!PLACEHOLDER", with: "1 == 1")

  @Test func printingWhatWasParsedIsTheIdentity() throws {
    let kernels = try Kernel.parse(Self.everything)
    #expect(kernels.count == 1)
    #expect(kernels[0].text == Self.everything)
    #expect(try Kernel.parse(kernels[0].text) == kernels)
  }

  @Test func sugarMeansWhatItSays() throws {
    let kernel = try Kernel.parse(
      """
      // A comment.
      kernel @k(input %x: f32[S]) { phase @p (%i : ceil(S/(2 + S)), %j : floor(S/2)) { if %i > %j { } else if %i >= -%j { }
        for %k = 0 to S { map (%a : S) { %v = load %x[%a] store %v, %x[%a] store 1, %x[0] } } } }
      """)[0]
    #expect(
      kernel.text == """
        kernel @k(input %x: f32[S]) {
          phase @p (%i : (S + (2 + S - 1))/(2 + S), %j : S/2) {
            if %j < %i {
            } else {
              if 0 - %j <= %i {
              }
            }
            for %k = 0 to S step 1 {
              map (%a : S) {
                %v = load %x[%a] : f32
                store %v, %x[%a]
                store 1.0, %x[0]
              }
            }
          }
        }
        """)
  }

  @Test func namesAreMadeUniqueInTheirScopeOnly() throws {
    var kernel = Kernel(name: "k", buffers: [.init("x", .output, TensorType(.f32, ["S"]))])
    let (x, first, second, unnamed) = (
      kernel.addVariable("x"), kernel.addVariable("i"), kernel.addVariable("i"), kernel.addVariable(.none)
    )
    var body = Body()
    let two = body.append(.init(.constant(Literal(2.0)), type: .f32))
    let shared = try body.append(.add, [two, two])
    body.append(.init(.store(Access(.buffer(0), .variable(first) + .variable(x))), operands: [shared], type: .f32))
    var other = Body()
    let whole = other.append(.init(.constant(Literal(3)), type: .i32))
    let real = try other.append(.convert, [whole], type: .f32)
    other.append(.init(.store(Access(.buffer(0), .variable(second) + .value(whole))), operands: [real], type: .f32))
    kernel.phases = [
      .init(
        name: "p", domain: [Dimension(x, 1), Dimension(unnamed, 2)],
        body: [.map(Map([Dimension(first, 4)], body)), .map(Map([Dimension(second, 4)], other))])
    ]
    let text = """
      kernel @k(output %x: f32[S]) {
        phase @p (%x.1 : 1, %v : 2) {
          map (%i : 4) {
            %0 = add 2.0, 2.0 : f32
            store %0, %x[%i + %x.1]
          }
          map (%i : 4) {
            %0 = constant 3 : i32
            %1 = convert %0 : f32
            store %1, %x[%i + %0]
          }
        }
      }
      """
    #expect(kernel.text == text)
    #expect(try Kernel.parse(text)[0].text == text)
  }

  @Test(arguments: [
    ("kernel k", "<text>:1:8: error: got 'k', expected a kernel's name, @name"),
    ("kernel @k(%x: f32[S])", "<text>:1:11: error: got %x, expected a buffer: input, output, inout or workspace"),
    (
      "kernel @k(workspace %w: f32[S], input %x: f32[S]) {}",
      "<text>:1:33: error: got input after a workspace, expected workspaces last"
    ),
    ("kernel @k(input %x: f32[S, 2] strides [1]) {}", "<text>:1:31: error: got 1 strides for %x of type f32[S, 2], expected 2"),
    ("kernel @k() { map", "<text>:1:15: error: got 'map', expected a phase, or the '}' that ends the kernel"),
    ("kernel @k() {} kernel @k() {}", "<text>:1:23: error: got a second kernel @k, expected another name"),
    ("kernel @k() { phase @p () {} phase @p () {} }", "<text>:1:36: error: got a second phase @p, expected another name"),
    (
      "kernel @k() { phase @p (%i : Q) {} }",
      "<text>:1:30: error: got the symbol Q, expected none, since the shapes and strides of the buffers have no other"
    ),
    (
      "kernel @k() { phase @p (%i : 2, %j : %i) {} }",
      "<text>:1:38: error: got %i, expected a name that is defined before and in scope"
    ),
    (
      "kernel @k() { phase @p () { walk } }",
      "<text>:1:29: error: got 'walk', expected a statement: tile, var, let, set, for, if, cold, do, map or contract, "
        + "or the '}' that ends the block"
    ),
    (
      "kernel @k() { phase @p (%i : 2) { let %i = 3 } }",
      "<text>:1:39: error: got a second %i where the first is in scope, expected another name"
    ),
    (
      "kernel @k() { phase @p () { map () {} } }",
      "<text>:1:29: error: got a map without dimensions, expected at least one: do { } runs once"
    ),
    ("kernel @k(input %x: f32[4]) { phase @p () { let %a = %x } }", "<text>:1:54: error: got %x without indices, expected %x[...]"),
    ("kernel @k(input %x: f32[4]) { phase @p () { let %a = %x[1, 2] } }", "<text>:1:54: error: got 2 indices for %x, expected 1"),
    (
      "kernel @k() { phase @p (%i : 2) { map (%j : 2) { %v = add %i, 1 } } }",
      "<text>:1:59: error: got the variable %i as an operand, expected a value: write %i = index %i : i32"
    ),
    (
      "kernel @k() { phase @p () { map (%j : 2) { %v = add 1, 1 } } }",
      "<text>:1:53: error: got a number whose type nothing tells, expected a named constant"
    ),
    (
      "kernel @k() { phase @p () { map (%j : 2) { %v = contract %j } } }",
      "<text>:1:49: error: got 'contract', expected load, index, constant or an elementwise op"
    ),
    (
      "kernel @k(input %x: i8[4]) { phase @p () { map (%j : 2) { store 300, %x[%j] } } }",
      "<text>:1:65: error: got 300, expected a value of type i8"
    ),
    (
      "kernel @k(input %x: i8[4]) { phase @p () { map (%j : 2) { %v = load %x[%j] %w = add %v, %v : f32 } } }",
      "<text>:1:94: error: got type f32, expected i8"
    ),
    (
      "kernel @k(input %x: f32[4]) { phase @p () { map (%j : 2) { %v = load %x[%j] %w = load %x[%v] } } }",
      "<text>:1:90: error: got %v of type f32 in an expression, expected an integer type"
    ),
    (
      "kernel @k(input %x: f32[4]) { phase @p () { contract (%r : 1) x () over (%d : 2) %x[%r] * %x[%d] as %s : f32 {} } }",
      "<text>:1:45: error: got a contraction of 1 x 0 over 1 dimensions, expected 1 x 1 or 2 over at least 1"
    ),
    ("kernel @k() { phase @p () { let %a = ceil(3) } }", "<text>:1:38: error: got ceil of no division, expected ceil(a/b)"),
  ])
  func errorsPointAtTheirPlaces(text: String, headline: String) {
    #expect {
      try Kernel.parse(text)
    } throws: { error in
      let got = (error as? HeedError)?.headline
      if got != headline { Issue.record("got \(got ?? "\(error)")") }
      return got == headline
    }
  }

  @Test func hostileTextIsRejectedInOneLine() {
    let deep = 100_000
    let texts = [
      "kernel @k() { phase @p () { let %a = " + String(repeating: "(", count: deep),
      "kernel @k() { phase @p () { let %a = " + String(repeating: "-", count: deep),
      "kernel @k() { phase @p () { let %a = 1" + String(repeating: " + 1", count: deep),
      "kernel @k() { phase @p () { " + String(repeating: "if 1 {", count: deep),
      "kernel @k() { phase @p () { if 1 {} " + String(repeating: "else if 1 {} ", count: deep),
      "kernel @k(input %x: i32[4]) { phase @p () { let %a = " + String(repeating: "%x[", count: deep),
      "kernel @k() { phase @p () { let %a = 99999999999999999999 } }",
      "kernel @k(input %x: f32[" + String(repeating: "(", count: deep),
      "kernel @k(input %x: f32[" + String(repeating: "floor(", count: deep),
      "kernel @k(input %x: f32[" + String(repeating: "(A + B + C + D)*", count: deep) + "1",
      "kernel @k(input %x: f32[1" + String(repeating: "*A", count: deep) + "])",
    ]
    for text in texts { #expect(throws: HeedError.self) { try Kernel.parse(text) } }
  }

  /// Damaged text gives an error or other kernels that print and parse; it never traps.
  @Test func damagedTextNeverTraps() throws {
    let characters = Array(Self.everything)
    var random = SystemRandomNumberGenerator()
    for _ in 0..<300 {
      var damaged = characters
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let position = Int.random(in: 0..<damaged.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: damaged.remove(at: position)
        case 1: damaged.insert(characters.randomElement(using: &random)!, at: position)
        default: damaged[position] = characters.randomElement(using: &random)!
        }
      }
      let text = String(damaged)
      guard let kernels = try? Kernel.parse(text) else { continue }
      for kernel in kernels {
        let printed = kernel.text
        let again = try? Kernel.parse(printed)
        #expect(again?.first?.text == printed, "from\n\(text)")
      }
    }
  }
}

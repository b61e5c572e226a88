import HeedIR
import HeedInterpreter
import Testing

/// The evaluator follows the language's rules and diagnoses what breaks them.
struct KernelEvaluatorTests {
  private func evaluate(
    _ statements: String, domain: String = "%b : 2", inputs: [Name: ReferenceArray] = [:]
  ) throws -> [Name: ReferenceArray] {
    let text = """
      kernel @k(input %x: f32[S], input %t: i32[S], output %y: f32[2, S], output %n: i8[S], workspace %w: f32[S]) {
        phase @first (%i : S) { map (%j : 1) { store 0, %n[%i + %j] } }
        phase @p (\(domain)) { \(statements) }
      }
      """
    var all: [Name: ReferenceArray] = [
      "x": ReferenceArray(.f32, [4], reals: [1, 2, 3, 4]), "t": ReferenceArray(.i32, [4], integers: [3, 2, 1, 0]),
    ]
    all.merge(inputs) { $1 }
    return try KernelEvaluator.evaluate(try Verified(try Kernel.parse(text)[0]), inputs: all)
  }

  private func message(_ statements: String, domain: String = "%b : 2") -> String {
    do {
      _ = try evaluate(statements, domain: domain)
      return "no error"
    } catch {
      return (error as? HeedError)?.message ?? "\(error)"
    }
  }

  @Test(arguments: [
    (
      "map (%i : S + 1) { store 0, %y[%b, %i] }",
      "phase @p at (%b = 0): map: at (%i = 4): store 0.0, %y[%b, %i]: %y[%b, %i]: got the index 4 in dimension 1, expected 0 to 3"
    ),
    ("let %a = %t[%b - 1]", "phase @p at (%b = 0): let %a: %t[%b - 1]: got the index -1 in dimension 0, expected 0 to 3"),
    (
      "map (%i : S) { %v = load %w[%i] }",
      "phase @p at (%b = 0): map: at (%i = 0): load %w[%i] : f32: got an element that was never written, expected one that was"
    ),
    (
      "map (%i : S) { accumulate add 1, %w[%i] }",
      "phase @p at (%b = 0): map: at (%i = 0): accumulate add 1.0, %w[%i]: got an accumulation in an element that was never written, expected one that was"
    ),
    (
      "tile %a : f32[4] map (%i : S) { store 0, %a[%i] } for %j = 0 to 2 { tile %c : f32[4] map (%i : S) { %v = load %c[%i] } }",
      "phase @p at (%b = 0): for %j = 0: map: at (%i = 0): load %c[%i] : f32: got an element that was never written, expected one that was"
    ),
    (
      "map (%i : S) { store 0, %y[0, %i] }",
      "phase @p at (%b = 1): map: at (%i = 0): store 0.0, %y[0, %i]: got an element that another point of the phase wrote as well, expected one owner"
    ),
    (
      "map (%i : 1) { store 0, %w[%b + %i] } map (%i : 1) { %v = load %w[%i] }",
      "phase @p at (%b = 1): map: at (%i = 0): load %w[%i] : f32: got an element that another point of the phase wrote, expected one that none writes"
    ),
    (
      "if %b == 0 { map (%i : S) { %v = load %n[%i] } } else { map (%i : 1) { store 0, %n[%i] } }",
      "phase @p at (%b = 1): map: at (%i = 0): store 0, %n[%i]: got an element that another point of the phase read, expected one that none reads"
    ),
    (
      "tile %a : f32[4] map (%i : S) { store 0, %a[%i/2] }",
      "phase @p at (%b = 0): map: at (%i = 1): store 0.0, %a[%i/2]: got an element that another round wrote as well, expected a place for each round"
    ),
    (
      "tile %a : f32[5] map (%i : 5) { store 0, %a[%i] } map (%i : S) { %v = load %a[%i] store %v, %a[%i + 1] }",
      "phase @p at (%b = 0): map: at (%i = 1): load %a[%i] : f32: got an element that another round wrote, expected rounds that do not depend on each other"
    ),
    (
      "tile %a : f32[5] map (%i : 5) { store 0, %a[%i] } map (%i : S) { %v = load %a[%i + 1] store %v, %a[%i] }",
      "phase @p at (%b = 0): map: at (%i = 1): store %v, %a[%i]: got an element that another round read, expected rounds that do not depend on each other"
    ),
    (
      "let %a = %t[1]/(%b - 1)",
      "phase @p at (%b = 0): let %a: got division of 2 by -1 in %t[1]/(%b - 1), expected a divisor of at least 1"
    ),
    (
      "let %a = 1 << (%b + 64)",
      "phase @p at (%b = 0): let %a: got a shift of 1 by 64 in 1 << %b + 64, expected a count of 0 to 63"
    ),
    (
      "let %a = 4611686018427387904*(%b + 2)",
      "phase @p at (%b = 0): let %a: got 4611686018427387904 * 2 in 4611686018427387904*(%b + 2), which leaves 64 bits"
    ),
    (
      "let %a = 4611686018427387904 map (%i : 1) { %v = load %x[%a*4 + %i] }",
      "phase @p at (%b = 0): map: at (%i = 0): load %x[%a*4 + %i] : f32: got 4611686018427387904 * 4 in %a*4 + %i, which leaves 64 bits"
    ),
    (
      "contract (%r : 1) x (%c : S) over (%d : S) %x[%d + %r] * %x[%c + %d] as %s : f32 { }",
      "phase @p at (%b = 0): contract: at (%r = 0, %c = 1): over (%d = 3): %x[%c + %d]: got the index 4 in dimension 0, expected 0 to 3"
    ),
    (
      "var %s : i32 let %a = %s + 1",
      "phase @p at (%b = 0): let %a: %s: got an element that was never written, expected one that was"
    ),
    (
      "for %j = 0 to 2 { var %s : f32 if %j == 0 { do { store 1, %s } } do { %v = load %s store %v, %y[%b, %j] } }",
      "phase @p at (%b = 0): for %j = 1: do: load %s : f32: got an element that was never written, expected one that was"
    ),
    (
      "var %s : i32 map (%i : S) { accumulate add 1, %s }",
      "phase @p at (%b = 0): map: at (%i = 0): accumulate add 1, %s: got an accumulation in an element that was never written, expected one that was"
    ),
    (
      "var %s : i32 map (%i : S) { store 1, %s }",
      "phase @p at (%b = 0): map: at (%i = 1): store 1, %s: got an element that another round wrote as well, expected a place for each round"
    ),
    (
      "var %s : i64 = %t[%b - 1]",
      "phase @p at (%b = 0): var %s: %t[%b - 1]: got the index -1 in dimension 0, expected 0 to 3"
    ),
    ("set %n[%b + 4] = 1", "phase @p at (%b = 0): set %n[%b + 4]: %n[%b + 4]: got the index 4 in dimension 0, expected 0 to 3"),
    (
      "set %n[0] = 1",
      "phase @p at (%b = 1): set %n[0]: got an element that another point of the phase wrote as well, expected one owner"
    ),
    (
      "do { %v = load %x[%b + 4] }",
      "phase @p at (%b = 0): do: load %x[%b + 4] : f32: %x[%b + 4]: got the index 4 in dimension 0, expected 0 to 3"
    ),
    ("map (%i : S) { store 0, %y[%b, %i] } if %t[%b] == 9 { map (%i : S) { store 0, %w[%i] } }", "no error"),
    ("map (%i : S) { store 0, %y[0, (%i + %b*4)?] }", "the element [1, 0] of %y was never written"),
  ])
  func whatIsWrongIsNamed(statements: String, expected: String) {
    #expect(message(statements) == (expected == "no error" ? expected : "kernel @k: " + expected))
  }

  @Test func extentsMayNotReadWhatThePhaseWrites() {
    let statements = "map (%i : 1) { store 1, %n[%b + %i] } map (%i : S) { store 0, %y[%b, %i] }"
    #expect(
      message(statements, domain: "%b : %n[0] + 2")
        == "kernel @k: phase @p at (%b = 0): map: at (%i = 0): store 1, %n[%b + %i]: got an element that another point of the phase read, "
        + "expected one that none reads")
  }

  @Test func conditionsMayNotReadWhatThePhaseWrites() throws {
    let kernel = try Verified(
      Kernel.parse(
        "kernel @k(inout %n: i32[2], input %m: i32) { phase @p (%i : 2) if %n[0]/(%m - 1) == 0 { set %n[%i] = 1 } }")[0])
    func message(_ m: Int64) -> String? {
      let inputs: [Name: ReferenceArray] = [
        "n": ReferenceArray(.i32, [2], integers: [0, 0]), "m": ReferenceArray(.i32, [], integers: [m]),
      ]
      do {
        _ = try KernelEvaluator.evaluate(kernel, inputs: inputs)
        return nil
      } catch {
        return (error as? HeedError)?.message
      }
    }
    #expect(
      message(2) == "kernel @k: phase @p at (%i = 0): set %n[%i]: got an element that another point of the phase read, "
        + "expected one that none reads")
    #expect(message(1) == "kernel @k: phase @p: got division of 0 by 0 in %n[0]/(%m - 1) == 0, expected a divisor of at least 1")
  }

  @Test func guardsGiveTheFallbackAndDropStores() throws {
    let result = try evaluate(
      "map (%i : S) { %v = load %x[(%i*2 - 1)?] else 9.5 store %v, %y[%b, %i] store %v, %y[%b, (%i + 4)?] }")
    #expect(result["y"]!.reals == [9.5, 2, 4, 9.5, 9.5, 2, 4, 9.5])
  }

  @Test func anIndexWithoutGuardMayBeOutsideWhereAGuardIs() throws {
    let result = try evaluate("map (%i : S) { store 1, %y[%b, %i] store 2, %y[(%b + 2 + %i*0)?, %i + 100] }")
    #expect(result["y"]!.reals == [1, 1, 1, 1, 1, 1, 1, 1])
  }

  @Test func storesRoundAndIntegersWrap() throws {
    let statements = """
      tile %a : bf16[1]
      map (%i : 1) { store 1.00390625, %a[%i] }
      map (%i : S) {
        %third = constant 0.1 : f64
        %v = load %a[0] : f64
        %z = add %v, %third
        store %z, %y[%b, %i]
      }
      if %b == 0 { map (%i : S) { %big = index 300 + %i*0 : i32 store %big, %n[%i] } }
      """
    let rounded = try evaluate(statements)
    // 1 + 2^-8 lies between 1 and 1 + 2^-7: to even.
    #expect(rounded["y"]![0].real == Double(Float(1.1)))
    #expect(rounded["n"]!.integers == [44, 44, 44, 44])
  }

  @Test func accumulationsRoundOnce() throws {
    let statements = """
      map (%i : S) { store 0, %y[%b, %i] }
      tile %a : f32[1]
      map (%i : 1) { store 1, %a[%i] }
      map (%i : 1000) { accumulate add 1e-08, %a[0] }
      map (%i : 1) { %v = load %a[0] store %v, %y[%b, %i] }
      """
    #expect(try evaluate(statements)["y"]![0].real == Double(Float(1 + 1e-5)))
  }

  @Test func reductionsOfEveryKind() throws {
    let statements = """
      tile %a : f32[4]
      tile %c : i32[4]
      map (%i : 1) { store 0, %a[%i] store 1, %a[%i + 1] store inf, %a[%i + 2] store -inf, %a[%i + 3]
                     store 0, %c[%i] store 1, %c[%i + 1] store 100, %c[%i + 2] store -100, %c[%i + 3] }
      map (%i : S) {
        %v = load %x[%i]
        %q = load %t[%i]
        accumulate add %v, %a[0]
        accumulate multiply %v, %a[1]
        accumulate minimum %v, %a[2]
        accumulate maximum %v, %a[3]
        accumulate add %q, %c[0]
        accumulate multiply %q, %c[1]
        accumulate minimum %q, %c[2]
        accumulate maximum %q, %c[3]
      }
      map (%i : S) { %v = load %a[%i] store %v, %y[0, %i] %q = load %c[%i] : f32 store %q, %y[1, %i] }
      """
    #expect(try evaluate(statements, domain: "%b : 1")["y"]!.reals == [10, 24, 1, 4, 6, 0, 0, 3])
  }

  @Test func extentsBelowZeroAreEmpty() throws {
    let result = try evaluate("map (%i : S) { store 1, %y[%b, %i] } map (%i : 2 - S, %j : 1 - S) { store 2, %y[%b, %i + %j] }")
    #expect(result["y"]!.reals == [1, 1, 1, 1, 1, 1, 1, 1])
    #expect(
      message("map (%i : S) { store 1, %y[%b, %i] }", domain: "%b : 1 - S, %c : 1 - S")
        == "kernel @k: the element [0, 0] of %y was never written")
  }

  @Test func inputsThatDoNotFit() throws {
    let kernel = try Verified(try Kernel.parse("kernel @k(input %x: f32[S, S], output %y: f32[Q]) { phase @p () { } }")[0])
    func message(_ inputs: [Name: ReferenceArray], _ symbols: [Name: Int] = [:]) -> String {
      do {
        _ = try KernelEvaluator.evaluate(kernel, inputs: inputs, symbols: symbols)
        return "no error"
      } catch {
        return (error as? HeedError)?.message ?? "\(error)"
      }
    }
    #expect(message([:]) == "kernel @k: got no input %x, expected one of type f32[S, S]")
    #expect(message(["x": ReferenceArray(.i32, [1, 1])]) == "kernel @k: %x: got the element type i32, expected f32")
    #expect(message(["x": ReferenceArray(.f32, [1, 2])]).contains("expected S = 1"))
    #expect(message(["x": ReferenceArray(.f32, [1, 1])]) == "kernel @k: got no value for the symbol Q, expected one")
    #expect(message(["x": ReferenceArray(.f32, [1, 1])], ["Q": 3]) == "kernel @k: the element [0] of %y was never written")
    #expect(message(["x": ReferenceArray(.f32, [1, 1])], ["Q": 1 << 40]).contains("expected at most 2^26 to evaluate"))
    #expect(message(["x": ReferenceArray(.f32, [1, 1])], ["Q": -1]) == "kernel @k: %y: the extent Q is -1, expected at least 0")
    #expect(message(["x": ReferenceArray(.f32, [0, 0])], ["Q": 0]) == "no error")
  }
}

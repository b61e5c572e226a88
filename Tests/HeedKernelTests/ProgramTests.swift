import HeedIR
import HeedInterpreter
import Testing

/// Program text, its verifier and its evaluator.
struct ProgramTests {
  /// relu(x w) + 1 twice over, in two slots, with one kernel packing the weights at load.
  static let text = """
    program @twice {
      input %x: f32[T, 3]
      input %rows: i32[T]
      parameter %w: f32[3, 3]
      constant %one: f32[2] = [0.5, 1.0]
      packed %turned: f32[3, 3]
      slot 0 %a: f32[T, 3]
      slot 1 %0: f32[T, 3]
      slot 0 %"odd name": f32[T, 3]
      result %y: f32[2*T, 3]
      facts (T % 2 == 0)
      check indices(%rows, T)
      check range(0, T, 2*T)
      load {
        call @turn(%w, %turned) flops 0 bytes 72
      }
      steps {
        call @layer(%x, %turned, %one + 1, %a) {M = T} flops 18*T bytes 24*T + 40
        call @layer(%a, %turned, %one + 1, %0) {M = T} flops 18*T bytes 24*T + 40
        call @take(%0, %rows, %"odd name") {M = T}
        call @take(%"odd name", %rows, %y) {M = T}
        call @take(%x, %rows, %y + 3*T) {M = T}
      }
      return %y as %both
      kernel @turn(input %w: f32[3, 3], output %t: f32[3, 3] strides [1, 3]) {
        phase @turn () {
          map (%i : 3, %j : 3) {
            %x = load %w[%i, %j] : f32
            store %x, %t[%i, %j]
          }
        }
      }
      kernel @layer(input %x: f32[M, 3], input %t: f32[3, 3] strides [1, 3], input %one: f32[1], output %y: f32[M, 3]) {
        phase @rows (%i : M) {
          contract (%r : 1) x (%c : 3) over (%d : 3) %x[%i + %r, %d] * %t[%d, %c] as %s : f32 {
            %live = maximum %s, 0.0 : f32
            %shift = load %one[0] : f32
            %sum = add %live, %shift : f32
            store %sum, %y[%i + %r, %c]
          }
        }
      }
      kernel @take(input %x: f32[M, 3], input %rows: i32[M], output %y: f32[M, 3]) {
        phase @take (%i : M) {
          map (%j : 3) {
            %row = load %rows[%i] : i32
            %x.1 = load %x[%row, %j] : f32
            store %x.1, %y[%i, %j]
          }
        }
      }
    }
    """

  private func message(_ text: String) -> String {
    do {
      for program in try Program.parse(text) { try program.verify() }
      return "well formed"
    } catch {
      return (error as? HeedError)?.message ?? "\(error)"
    }
  }

  @Test func printingWhatWasParsedIsTheIdentity() throws {
    let programs = try Program.parse(Self.text)
    #expect(programs.map(\.text) == [Self.text])
    #expect(try Program.parse(programs[0].text) == programs)
    #expect(message(Self.text) == "well formed")
  }

  @Test(arguments: [
    (
      "input %x: f32[T, 3]\n", "input %3: f32[T, 3]\n",
      "<text>:2:9: error: got %3, expected a name that is not a number: calls pass it by name"
    ),
    ("input %rows", "input %x", "<text>:3:9: error: got a second %x, expected another name"),
    ("[0.5, 1.0]", "[0.5, 1.0", "<text>:6:3: error: got 'packed', expected ',' or ']'"),
    ("slot 1", "slot -1", "<text>:8:8: error: got slot -1, expected 0 to 1048575"),
    ("check indices", "check index", "<text>:12:9: error: got 'index', expected offsets, indices or range"),
    (
      "call @turn(%w, %turned)", "call @turm(%w, %turned)",
      "<text>:15:10: error: got @turm, expected a kernel of the program (did you mean @turn?)"
    ),
    ("call @turn(%w, %turned)", "call @turn(%w)", "<text>:15:10: error: got 1 operands for @turn, expected 2"),
    ("call @turn(%w, %turned)", "call @turn(%w, %turned) for quicksort", "<text>:15:33: error: got 'quicksort', expected an op"),
    (
      "call @turn(%w, %turned)", "call @turn(%w, %turnde)",
      "<text>:15:20: error: got %turnde, expected a buffer that is declared above (did you mean %turned?)"
    ),
    ("%a) {M = T}", "%a)", "<text>:18:10: error: got no value for the symbol M of @layer, expected one"),
    ("%a) {M = T}", "%a) {N = T}", "<text>:18:45: error: got the symbol N of @layer, expected M, each once"),
    ("%a) {M = T}", "%a) {M = T, M = T}", "<text>:18:52: error: got the symbol M of @layer, expected M, each once"),
    (
      "return", "give",
      "<text>:24:3: error: got 'give', expected a buffer (input, parameter, state, packed, constant, slot, result), facts, check, load, steps, return, a kernel or '}'"
    ),
    ("kernel @layer", "kernel @turn", "<text>:33:10: error: got a second kernel @turn, expected another name"),
  ])
  func errorsPointAtTheirPlaces(change: String, to replacement: String, headline: String) {
    do {
      _ = try Program.parse(Self.text.replacing(change, with: replacement, maxReplacements: 1))
      Issue.record("got no error, expected \(headline)")
    } catch {
      #expect((error as? HeedError)?.headline == headline)
    }
  }

  @Test(arguments: [
    ("constant %one: f32[2]", "constant %one: f32[3]", "%one: got 2 values for type f32[3], expected as many as it has elements"),
    (
      "packed %turned: f32[3, 3]", "packed %turned: f32[T, 3]",
      "%turned: got type f32[T, 3], expected constant extents of a packed buffer"
    ),
    ("slot 0 %a: f32[T, 3]", "slot 0 %a: f32[Q, 3]", "%a: got the symbol Q, expected one of the inputs' extents"),
    ("check indices(%rows, T)", "check indices(%w, T)", "got a check of %w, expected an input of integer type"),
    (
      "slot 1 %0", "slot 0 %0",
      "got %a and buffer 6 in slot 0, live in steps 0 to 1 and 1 to 2, expected buffers that are never live at once"
    ),
    (
      "call @layer(%x, %turned", "call @layer(%a, %turned",
      "step 0, @layer: %x = %a: got a read of a buffer that no earlier call wrote, expected one that holds something"
    ),
    (
      "call @turn(%w, %turned)", "call @turn(%x, %turned)",
      "load call 0, @turn: %w = %x: got a buffer of a call at load, expected a parameter, a state that no call writes, a constant or a packed buffer"
    ),
    (
      "call @turn(%w, %turned)", "call @turn(%turned, %w)",
      "load call 0, @turn: %w = %turned: got a read of a buffer that no earlier call wrote, expected one that holds something"
    ),
    ("%one + 1, %a)", "%one + 1, %x)", "step 0, @layer: %y = %x: got a write, expected a slot, result, state or packed buffer"),
    (
      "%one + 1, %a)", "%one + 1, %turned)",
      "step 0, @layer: %y = %turned: got a write to a packed buffer in a step, expected it at load"
    ),
    ("%one + 1, %a)", "%one + 2, %a)", "step 0, @layer: %one = %one: got 2 elements, expected at least 3"),
    ("%y + 3*T) {M = T}", "%y + 3*T + 1) {M = T}", "step 4, @take: %y = %y: got 6*T elements, expected at least 6*T + 1"),
    (
      "call @take(%0, %rows, %\"odd name\")", "call @take(%0, %rows, %0)",
      "step 2, @take: got buffer 6 for %y and for %x, expected another buffer for what is written"
    ),
    ("call @take(%0, %rows", "call @take(%0, %x", "step 2, @take: %rows = %x: got elements of type f32, expected i32"),
    (
      "call @take(%\"odd name\", %rows, %y) {M = T}\n    call @take(%x, %rows, %y + 3*T) {M = T}", "",
      "got the result %y, which no call writes, expected one that does"
    ),
    ("return %y", "return %x", "got %x returned, expected a result buffer"),
    (
      "store %x.1, %y[%i, %j]", "store %x.1, %x[%i, %j]",
      "kernel @take, phase @take, map (%j): store %x.1, %x[%i, %j]: got a write to the input %x, expected an output, inout, workspace or tile"
    ),
  ])
  func theVerifierSaysWhatIsWrong(change: String, to replacement: String, expected: String) {
    let changed = Self.text.replacing(change, with: replacement, maxReplacements: 1)
    #expect(changed != Self.text)
    #expect(message(changed) == "program @twice: \(expected)")
  }

  @Test(arguments: [0, 2, 4])
  func evaluation(length: Int) throws {
    let program = try Verified(try Program.parse(Self.text)[0])
    let x = ReferenceArray.random([length, 3], seed: 1)
    let w = ReferenceArray.random([3, 3], seed: 2)
    let rows = (0..<length).map { ($0 * 3 + 1) % max(length, 1) }
    let results = try ProgramEvaluator.evaluate(
      program, inputs: ["x": x, "w": w, "rows": ReferenceArray(.i32, [length], integers: rows.map(Int64.init))])
    func layer(_ row: [Double]) -> [Double] { (0..<3).map { c in max(sum(3) { row[$0] * w.at($0, c) }, 0) + 1 } }
    let layers = (0..<length).map { i in layer(layer((0..<3).map { x.at(i, $0) })) }
    let expected = rows.flatMap { layers[rows[$0]] } + rows.flatMap { i in (0..<3).map { x.at(i, $0) } }
    #expect(results.map(\.name) == ["both"])
    #expect(results[0].array.largestDifference(expected) < 1e-6)
  }

  @Test func inputsThatDoNotFit() throws {
    let program = try Verified(try Program.parse(Self.text)[0])
    func message(_ length: Int, _ change: (inout [Name: ReferenceArray]) -> Void) -> String {
      var inputs: [Name: ReferenceArray] = [
        "x": ReferenceArray(.f32, [length, 3]), "w": ReferenceArray(.f32, [3, 3]), "rows": ReferenceArray(.i32, [length]),
      ]
      change(&inputs)
      do {
        _ = try ProgramEvaluator.evaluate(program, inputs: inputs)
        return "no error"
      } catch {
        return (error as? HeedError)?.message ?? "\(error)"
      }
    }
    #expect(message(2) { _ in } == "no error")
    #expect(message(2) { $0["x"] = nil } == "got no input %x, expected one of type f32[T, 3]")
    #expect(message(2) { $0["z"] = $0["x"] } == "got an input %z, expected %x, %rows, %w")
    #expect(message(2) { $0["x"] = ReferenceArray(.f64, [2, 3]) } == "%x: got the element type f64, expected f32")
    #expect(message(2) { $0["rows"]!.integers[1] = 2 } == "%rows: got 2 at position 1, expected 0 to 1")
    #expect(message(3) { _ in }.contains("T % 2 == 0"))
  }

  /// What the verifier cannot see is diagnosed as it runs, with the step that does it.
  @Test func kernelErrorsNameTheStep() throws {
    let broken = Self.text.replacing("%x.1 = load %x[%row, %j]", with: "%x.1 = load %x[%row + 1, %j]")
    let program = try Verified(try Program.parse(broken)[0])
    let inputs: [Name: ReferenceArray] = [
      "x": ReferenceArray(.f32, [2, 3]), "w": ReferenceArray(.f32, [3, 3]), "rows": ReferenceArray(.i32, [2], integers: [1, 1]),
    ]
    #expect {
      try ProgramEvaluator.evaluate(program, inputs: inputs)
    } throws: { error in
      (error as? HeedError)?.message
        == "step 2, @take: phase @take at (%i = 0): map: at (%j = 0): load %x[%row + 1, %j] : f32: %x[%row + 1, %j]: "
        + "got the index 2 in dimension 0, expected 0 to 1"
    }
  }
}

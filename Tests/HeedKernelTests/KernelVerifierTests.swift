import HeedIR
import Testing

/// The verifier finds what parses but is not well formed, and says where it stands.
struct KernelVerifierTests {
  /// A kernel of one phase without a domain.
  private func kernel(_ statements: String) -> String {
    "kernel @k(input %x: f32[8, S], input %t: i32[S], output %y: f32[8, S], workspace %w: f32[S]) { phase @p (%b : S) { \(statements) } }"
  }

  private func message(_ text: String) throws -> String? {
    let kernel = try Kernel.parse(text)[0]
    do {
      try kernel.verify()
      return nil
    } catch let error as HeedError {
      return error.message
    }
  }

  @Test func wellFormedKernelsPass() throws {
    let found = try message(KernelTextTests.everything)
    #expect(found == nil, "\(found ?? "")")
  }

  @Test(arguments: [
    (
      "map (%i : 8) { %v = load %x[%i, 0] store %v, %x[%i, 0] }",
      "map (%i): store %v, %x[%i, 0]: got a write to the input %x, expected an output, inout, workspace or tile"
    ),
    ("for %j = 0 to S step 0 { }", "got a loop with step 0, expected at least 1"),
    ("tile %a : f32[4, 0]", "got the tile %a of shape [4, 0], expected positive extents and at most 67108864 bytes"),
    (
      "tile %a : f32[4294967296, 4294967296]",
      "got the tile %a of shape [4294967296, 4294967296], expected positive extents and at most 67108864 bytes"
    ),
    ("tile %a : f32[4096, 4096] tile %c : f32[1]", "got tiles of 67108928 bytes in all, expected at most 67108864"),
    ("let %a = %b/0", "got division by 0, expected at least 1"),
    ("let %a = %b % -2", "got division by -2, expected at least 1"),
    ("let %a = 1 << 64", "got a shift by 64, expected 0 to 63"),
    ("let %a = %b < 2 && %b", "got %b as an operand of &&, expected a comparison"),
    ("if %b { }", "got the condition %b, expected a comparison"),
    ("let %a = %x[0, 0]", "got %x[0, 0] of type f32 in an expression, expected an integer type"),
    ("let %a = %t[%b?]", "got the guarded %t[%b?] in an expression, expected indices that are inside"),
    (
      "tile %a : f32[4] map (%i : 5) { store 0.0, %a[%i] }",
      "map (%i): store 0.0, %a[%i]: got the index 4 in dimension 0 of %a[%i], expected 0 to 3"
    ),
    (
      "map (%i : 4, %j : 4) { %v = load %x[%i*3 + %j - 1, 0] }",
      "map (%i, %j): load %x[%i*3 + %j - 1, 0] : f32: got the index -1 in dimension 0 of %x[%i*3 + %j - 1, 0], expected 0 to 7"
    ),
    (
      "map (%i : 4) { %v = load %x[0, -1] }",
      "map (%i): load %x[0, -1] : f32: got the index -1 in dimension 1 of %x[0, -1], expected at least 0"
    ),
    ("map (%i : 4) { %v = index %i : f32 }", "map (%i): index %i : f32: got type f32, expected i32 or i64"),
    (
      "map (%i : 4) { store 0.0, %y[0, %b] }",
      "map (%i): got a store to %y[0, %b], the same place for all 4 rounds of %i, expected a place for each"
    ),
    (
      "map (%i : 4) { accumulate add 1.0, %w[0] accumulate add 2.0, %w[0] }",
      "map (%i): got a second accumulation in %w[0], expected one: combine the values first"
    ),
    (
      "map (%i : 4) { %v = load %w[%i] accumulate add 1.0, %w[0] }",
      "map (%i): got an accumulation in %w[0] beside a load or store of %w, expected them in maps of their own"
    ),
    (
      "tile %a : bf16[4] map (%i : 4) { accumulate add 1.0, %a[%i] }",
      "map (%i): accumulate add 1.0, %a[%i]: got an accumulation in %a of type bf16, expected f32, f64 or an integer type"
    ),
    (
      "contract (%r : 8) x (%c : 8) over (%d : 8) %x[%c, %d] * %x[%r, %d] as %s : f32 { }",
      "contract (%r) x (%c) over (%d): got %x[%c, %d] on the left, which mentions the column %c, expected rows and over"
    ),
    (
      "contract (%r : 8) x (%c : 8) over (%d : 8) %x[%r, %d] * %x[%c, %d + %r] as %s : f32 { }",
      "contract (%r) x (%c) over (%d): got %x[%c, %d + %r] on the right, which mentions the row %r, expected columns and over"
    ),
    (
      "contract (%r : 8) x (%c : 8) over (%d : 8) %x[%r, %d] * %x[%c, %d] from %x[%r, %d] as %s : f32 { }",
      "contract (%r) x (%c) over (%d): got the initial %x[%r, %d], which mentions %d, expected rows and columns"
    ),
    (
      "contract (%r : 8) x (%c : 8) over (%d : 8) %x[%r, %d?] * %x[%c, %d] as %s : f32 { }",
      "contract (%r) x (%c) over (%d): got the guarded left %x[%r, %d?], expected indices that are inside"
    ),
    (
      "contract (%r : 8) x (%c : 8) over (%d : 8) %t[%r] * %x[%c, %d] as %s : f32 { }",
      "contract (%r) x (%c) over (%d): got the left %t[%r] of type i32, expected the accumulator's f32 or a narrower type that it holds exactly"
    ),
    (
      "contract (%r : 8) x (%c : 8) over (%d : 8) %x[%r, %d] * %x[%c, %d] as %s : bf16 { }",
      "contract (%r) x (%c) over (%d): got an accumulator of type bf16, expected f32 or f64"
    ),
    (
      "contract (%r : 8) x (%c : 8) over (%d : 8) %x[%r, %d] * %x[%c, %d] as %s : f32 { store %s, %y[%r, %d] }",
      "contract (%r) x (%c) over (%d): store %s, %y[%r, %d]: got %d, which is not in scope here"
    ),
    (
      "contract (%r : 8) x (%c : 8) over (%d : 8) %y[%r, %d] * %x[%c, %d] as %s : f32 { store %s, %y[%r, %c] }",
      "contract (%r) x (%c) over (%d): got a store to %y, which the contraction reads, expected another place"
    ),
  ])
  func errorsSayWhatIsWrong(statements: String, expected: String) throws {
    let separator = expected.hasPrefix("map (") || expected.hasPrefix("contract (") ? ", " : ": "
    #expect(try message(kernel(statements)) == "kernel @k, phase @p\(separator)\(expected)")
  }

  @Test(arguments: [
    ("input %x: f32[-3]", "buffer %x: got the extent -3, expected at least 0"),
    ("input %x: f32[4] strides [-1]", "buffer %x: got the stride -1, expected at least 0"),
    ("output %x: f32[4] strides [0]", "buffer %x: got the stride 0 of an output, expected each element in a place of its own"),
    ("workspace %x: f32[4] strides [2]", "buffer %x: got strides of a workspace, expected none: it is row-major"),
  ])
  func badBuffers(buffer: String, expected: String) throws {
    #expect(try message("kernel @k(\(buffer)) { }") == "kernel @k, \(expected)")
  }

  /// What no text can say but a program that builds kernels can.
  @Test func kernelsBuiltWrong() throws {
    func messageOf(_ change: (inout Kernel) throws -> Void) throws -> String? {
      var kernel = Kernel(name: "k", buffers: [.init("y", .output, TensorType(.f32, ["S"]))])
      let variable = kernel.addVariable("i")
      var body = BodyBuilder()
      body.store(body.constant(1, .f32), Access(.buffer(0), .variable(variable)))
      kernel.phases = [.init(name: "p", domain: [], body: [.map(Map([Dimension(variable, .symbol("S"))], body.code))])]
      try change(&kernel)
      do {
        try kernel.verify()
        return nil
      } catch let error as HeedError {
        _ = kernel.text
        return error.message
      }
    }
    func messageOfBody(_ body: (inout Body) throws -> Void) throws -> String? {
      try messageOf { kernel in
        var built = Body()
        try body(&built)
        kernel.phases[0].body = [.map(Map([Dimension(VariableID(0), 4)], built))]
      }
    }
    #expect(try messageOf { _ in } == nil)
    #expect(try messageOf { $0.name = .none } == "kernel @\"\": got a kernel without a name, expected one")
    #expect(
      try messageOf { $0.buffers += $0.buffers } == "kernel @k, buffer %y: got a second buffer of this name, expected another name")
    #expect(
      try messageOf { $0.phases += $0.phases } == "kernel @k, phase @p: got a second phase of this name, expected another name")
    #expect(
      try messageOf { $0.phases[0].domain = [Dimension(VariableID(0), 2)] }
        == "kernel @k, phase @p, map (%i): got a second definition of %i, expected one")
    #expect(
      try messageOf { $0.phases[0].domain = [Dimension(VariableID(7), 2)] } == "kernel @k, phase @p: got variable 7 of 1")
    #expect(
      try messageOf { $0.phases[0].domain = [Dimension(VariableID(0), .symbol("Q"))] }
        == "kernel @k, phase @p: got the symbol Q, expected one of the buffers' shapes or strides")
    #expect(
      try messageOfBody({ $0.append(.init(.store(Access(.buffer(0), 1)), operands: [BodyValue(3)], type: .f32)) })?.contains(
        "got the value 3 of 0") == true)
    #expect(
      try messageOfBody({ $0.append(.init(.elementwise(.softmax), operands: [], type: .f32)) })?.contains("got the op softmax")
        == true)
    #expect(
      try messageOfBody({
        let one = $0.append(.init(.constant(Literal(1.0)), type: .f32))
        let other = $0.append(.init(.constant(Literal(1)), type: .i32))
        $0.append(.init(.elementwise(.add), operands: [one, other], type: .f32))
      })?
      .contains("got element types f32 and i32, expected one") == true)
    #expect(
      try messageOfBody({ $0.append(.init(.constant(Literal(0.5)), type: .i32)) })?.contains("not a value of type i32") == true)
    #expect(
      try messageOfBody({ $0.append(.init(.load(Access(.tile(0), 1), otherwise: nil), type: .f32)) })?.contains(
        "which is not in scope here") == true)
    #expect(
      try messageOfBody({ $0.append(.init(.load(Access(.buffer(9), 1), otherwise: nil), type: .f32)) })?.contains(
        "got buffer 9 of 1") == true)
    func messageOf(_ statements: Statement...) throws -> String? { try messageOf { $0.phases[0].body = statements } }
    #expect(try messageOf(.tile(Tile("t", .i32, [], initial: .expression(.verdict(.open))))) == nil)
    #expect(
      try messageOf(.tile(Tile("t", .i32, [4], initial: .expression(0))))
        == "kernel @k, phase @p: got an initial value of the tile %t of shape [4], expected one of scalars only")
    #expect(
      try messageOf(.tile(Tile("t", .i32, [], initial: .literal(Literal(1)))))
        == "kernel @k, phase @p: got the initial value 1 of %t, expected an expression")
    #expect(
      try messageOf(.tile(Tile("t", .f16, [], initial: .literal(Literal(0.1)))))?.contains("expected a value of type f16") == true)
    #expect(
      try messageOf(.tile(Tile("t", .f32, [], initial: .expression(.symbol("S")))))
        == "kernel @k, phase @p: got the initial value S of %t of type f32, expected a number of that type")
    #expect(
      try messageOf(.tile(Tile("t", .i32, [])), .assign(Access(.tile(0)), .load(Access(.tile(1)))))
        == "kernel @k, phase @p, set %t: got %tile.1, which is not in scope here")
    #expect(
      try messageOf(.compute(Body(parameters: [.init("x", .f32)])))
        == "kernel @k, phase @p, do: got a body with parameters, expected none")
    #expect(
      try messageOf { $0.phases[0].condition = .symbol("Q") }
        == "kernel @k, phase @p: got the symbol Q, expected one of the buffers' shapes or strides")
    #expect(
      try messageOf { $0.phases[0].condition = .apply(.less, 0, .load(Access(.tile(0)))) }
        == "kernel @k, phase @p: got %tile.0, which is not in scope here")
  }
}

extension Program {
  /// The programs that `text` writes, in order; `text` prints that form. They are well formed as text, but not yet verified.
  /// - Parameter file: the file's name in errors.
  /// - Throws: the first error, with its place.
  public static func parse(_ text: String, file: String = "<text>") throws -> [Program] {
    var stream = try TokenStream(text, file: file)
    var programs: [Program] = []
    while !stream.isAtEnd {
      let token = stream.peek()
      var parser = ProgramParser()
      let program = try parser.program(&stream)
      guard !programs.contains(where: { $0.name == program.name }) else {
        throw stream.error("got a second program @\(program.name), expected another name", at: token)
      }
      programs.append(program)
    }
    return programs
  }
}

/// Reads one program.
private struct ProgramParser {
  /// A call as written: its kernel follows further down.
  private struct WrittenCall {
    var kernel: Token
    var operands: [Program.Operand]
    var symbols: [(token: Token, value: Extent)]
    var op: Op?
    var cost: Cost
  }

  private var program = Program(name: .none)
  private var buffers: [String: Int] = [:]
  private var load: [WrittenCall] = []
  private var steps: [WrittenCall] = []

  /// `program @name { buffers facts checks load steps return kernels }`, in any order, except that buffers are declared before use.
  mutating func program(_ stream: inout TokenStream) throws -> Program {
    try stream.expect("program")
    program = Program(name: Name(try stream.expect(.symbol, "the program's name such as @encoder").text))
    try stream.expect("{")
    while !stream.take("}") { try line(&stream) }
    program.load = try load.map { try resolve($0, stream) }
    program.steps = try steps.map { try resolve($0, stream) }
    return program
  }

  private mutating func line(_ stream: inout TokenStream) throws {
    if stream.isAt("kernel") {
      let name = stream.peek()
      var parser = KernelParser(stream: stream)
      let kernel = try parser.readKernel()
      stream = parser.stream
      guard !program.kernels.contains(where: { $0.name == kernel.name }) else {
        throw stream.error("got a second kernel @\(kernel.name), expected another name", at: name)
      }
      program.kernels.append(kernel)
    } else if stream.take("facts") {
      try stream.expect("(")
      try stream.list(until: ")") { program.facts.append(try $0.fact()) }
    } else if stream.take("check") {
      try check(&stream)
    } else if stream.take("load") {
      load += try calls(&stream)
    } else if stream.take("steps") {
      try stepList(&stream)
    } else if stream.take("return") {
      repeat {
        let buffer = try self.buffer(&stream)
        let name =
          stream.take("as") ? Name(try stream.expect(.value, "the result's name, %name").text) : program.buffers[buffer].name
        program.results.append(Program.Result(name: name, buffer: buffer))
      } while stream.take(",")
    } else {
      try declaration(&stream)
    }
  }

  // MARK: Buffers

  /// `input %x: f32[S]`, `slot 0 %y: f32[S]`, `constant %c: f32[2] = [1.0, 2.0]`
  private mutating func declaration(_ stream: inout TokenStream) throws {
    let word = stream.current
    guard word.kind == .word, let keyword = Program.Buffer.Storage.Keyword(rawValue: word.text) else {
      let known = Program.Buffer.Storage.Keyword.allCases.map(\.rawValue).joined(separator: ", ")
      throw stream.unexpected("a buffer (\(known)), facts, check, load, steps, return, a kernel or '}'")
    }
    stream.advance()
    var slot = 0
    if keyword == .slot {
      let token = stream.current
      slot = try stream.integer()
      guard 0..<(1 << 20) ~= slot else { throw stream.error("got slot \(slot), expected 0 to \(1 << 20 - 1)", at: token) }
    }
    let token = try stream.expect(.value, "the buffer's name, %name")
    let name = PrintedNames.kept(token.text)
    guard buffers[token.text] == nil else { throw stream.error("got a second \(token.spelling), expected another name", at: token) }
    try stream.expect(":")
    let type = try stream.valueType()
    let storage: Program.Buffer.Storage
    switch keyword {
    case .input, .parameter, .state:
      guard !name.isNone else {
        throw stream.error("got \(token.spelling), expected a name that is not a number: calls pass it by name", at: token)
      }
      storage = keyword == .input ? .input : keyword == .state ? .state : .parameter
    case .packed: storage = .packed
    case .constant: storage = .constant(try constant(type, &stream))
    case .slot: storage = .slot(slot)
    case .result: storage = .result
    }
    buffers[token.text] = program.buffers.count
    program.buffers.append(Program.Buffer(name, type, storage))
  }

  private func constant(_ type: TensorType, _ stream: inout TokenStream) throws -> LiteralList {
    try stream.expect("=")
    try stream.expect("[")
    var values: [Literal] = []
    try stream.list(until: "]") { stream in
      let token = stream.current
      values.append(try stream.convert(try stream.literal(), to: type.element, at: token))
    }
    return LiteralList(values)
  }

  private func buffer(_ stream: inout TokenStream) throws -> Int {
    let token = try stream.expect(.value, "a buffer, %name")
    guard let buffer = buffers[token.text] else {
      let hint = suggestion(for: token.text, among: buffers.keys.sorted(), prefix: "%")
      throw stream.error("got \(token.spelling), expected a buffer that is declared above\(hint)", at: token)
    }
    return buffer
  }

  /// `check offsets(%offsets, T)`, `check indices(%ids, 30522)` or `check range(0, 5, N)`
  private mutating func check(_ stream: inout TokenStream) throws {
    let words = ["offsets", "indices", "range"]
    guard words.contains(where: { stream.isAt($0) }) else { throw stream.unexpected("offsets, indices or range") }
    let word = stream.advance()
    try stream.expect("(")
    if word.text == "range" {
      let start = try stream.extent()
      try stream.expect(",")
      let stop = try stream.extent()
      try stream.expect(",")
      program.checks.append(.range(start: start, stop: stop, extent: try stream.extent()))
      return try stream.expect(")")
    }
    let buffer = try self.buffer(&stream)
    try stream.expect(",")
    let extent = try stream.extent()
    try stream.expect(")")
    program.checks.append(
      word.text == "offsets" ? .offsets(buffer: buffer, total: extent) : .indices(buffer: buffer, limit: extent))
  }

  // MARK: Calls

  /// `{ call @a() loop %t below T { call @b() } }`
  private mutating func stepList(_ stream: inout TokenStream) throws {
    try stream.expect("{")
    while !stream.take("}") {
      guard stream.take("loop") else {
        steps.append(try call(&stream))
        continue
      }
      let token = try stream.expect(.value, "the loop's symbol, %name")
      try stream.expect("below")
      let end = try stream.extent()
      let limit = stream.take("limit") ? try stream.extent() : nil
      let isReversed = stream.take("reversed")
      let (number, first) = (program.loops.count, steps.count)
      program.loops.append(
        Program.Loop(steps: first..<first, symbol: Name(token.text), end: end, limit: limit, isReversed: isReversed))
      try stream.nested { stream in try stepList(&stream) }
      guard steps.count > first else { throw stream.error("got a loop without calls, expected one at least", at: token) }
      program.loops[number].steps = first..<steps.count
    }
  }

  private func calls(_ stream: inout TokenStream) throws -> [WrittenCall] {
    try stream.expect("{")
    var calls: [WrittenCall] = []
    while !stream.take("}") { calls.append(try call(&stream)) }
    return calls
  }

  /// `call @linear(%x, %panels, %y + 384*S) {M = T} for linear flops 2*T bytes 8*T`
  private func call(_ stream: inout TokenStream) throws -> WrittenCall {
    guard stream.take("call") else { throw stream.unexpected("a call, or the '}' that ends the calls") }
    let kernel = try stream.expect(.symbol, "a kernel's name, @name")
    var call = WrittenCall(kernel: kernel, operands: [], symbols: [], cost: Cost(flops: 0, bytes: 0))
    try stream.expect("(")
    try stream.list(until: ")") { stream in
      let buffer = try self.buffer(&stream)
      call.operands.append(Program.Operand(buffer: buffer, offset: stream.take("+") ? try stream.extent() : 0))
    }
    if stream.take("{") {
      try stream.list(until: "}") { stream in
        let token = try stream.expect(.word, "a symbol of the kernel")
        try stream.expect("=")
        call.symbols.append((token, try stream.extent()))
      }
    }
    if stream.take("for") { call.op = try stream.op() }
    if stream.take("flops") { call.cost.flops = try stream.cost() }
    if stream.take("bytes") { call.cost.bytes = try stream.cost() }
    return call
  }

  private func resolve(_ call: WrittenCall, _ stream: TokenStream) throws -> Program.Call {
    guard let number = program.kernels.firstIndex(where: { $0.name.text == call.kernel.text }) else {
      let hint = suggestion(for: call.kernel.text, among: program.kernels.map(\.name.text), prefix: "@")
      throw stream.error("got \(call.kernel.spelling), expected a kernel of the program\(hint)", at: call.kernel)
    }
    let kernel = program.kernels[number]
    guard call.operands.count == kernel.parameters.count else {
      throw stream.error(
        "got \(call.operands.count) operands for @\(kernel.name), expected \(kernel.parameters.count)", at: call.kernel)
    }
    var values: [Name: Extent] = [:]
    for (token, value) in call.symbols {
      let name = Name(token.text)
      guard kernel.symbols.contains(name), values.updateValue(value, forKey: name) == nil else {
        let known = kernel.symbols.isEmpty ? "none" : kernel.symbols.map(\.text).joined(separator: ", ") + ", each once"
        throw stream.error("got the symbol \(name) of @\(kernel.name), expected \(known)", at: token)
      }
    }
    let symbols = try kernel.symbols.map { name in
      guard let value = values[name] else {
        throw stream.error("got no value for the symbol \(name) of @\(kernel.name), expected one", at: call.kernel)
      }
      return value
    }
    return Program.Call(kernel: number, operands: call.operands, symbols: symbols, op: call.op, cost: call.cost)
  }
}

extension Kernel {
  /// The kernels that `text` writes; docs/kernel-language.md has the grammar. They are well formed as text, but not yet verified.
  /// - Parameter file: the file's name in errors.
  /// - Throws: the first error, with its place.
  public static func parse(_ text: String, file: String = "<text>") throws -> [Kernel] {
    var parser = KernelParser(stream: try TokenStream(text, file: file))
    var kernels: [Kernel] = []
    while !parser.stream.isAtEnd {
      let token = parser.stream.peek()
      let kernel = try parser.readKernel()
      if kernels.contains(where: { $0.name == kernel.name }) {
        throw parser.stream.error("got a second kernel @\(kernel.name), expected another name", at: token)
      }
      kernels.append(kernel)
    }
    return kernels
  }
}

/// Reads kernels by recursive descent. Names are scoped lexically, all in one name space: a name stands for one thing at a time.
struct KernelParser {
  /// What a `%name` stands for.
  enum Entity {
    case variable(VariableID)
    case buffer(Int)
    case tile(Int)
    case value(BodyValue)
  }

  var stream: TokenStream
  var kernel = Kernel(name: .none, buffers: [])
  var scopes: [[Name: Entity]] = []
  /// The tiles of the phase in hand, in textual order.
  var tiles: [Tile] = []
  /// The body in hand; nil outside of maps and contractions.
  var body: Body?
  /// The nesting of statements.
  private var depth = 0
  /// The operators and loads of the expression in hand.
  var expressionSize = 0

  /// Deeper nesting is rejected, so that no text can exhaust the stack.
  static let deepestNesting = 64

  init(stream: TokenStream) { self.stream = stream }

  // MARK: Names

  func entity(_ name: Name) -> Entity? {
    for scope in scopes.reversed() { if let found = scope[name] { return found } }
    return nil
  }

  /// Takes `%name` and makes it stand for `entity` to the end of the scope.
  mutating func define(_ token: Token, _ entity: Entity) throws -> Name {
    let name = Name(token.text)
    guard !Self.isNumeral(token.text) else {
      throw stream.error("got %\(name.quotedWhereNeeded), expected a name that is not a number", at: token)
    }
    try bind(token, entity)
    return name
  }

  private mutating func bind(_ token: Token, _ entity: Entity) throws {
    let name = Name(token.text)
    guard self.entity(name) == nil else {
      throw stream.error("got a second %\(name.quotedWhereNeeded) where the first is in scope, expected another name", at: token)
    }
    scopes[scopes.count - 1][name] = entity
  }

  /// Makes `%name` stand for a value of a body. A number is a name in the text only: the value has none.
  mutating func defineValue(_ token: Token, _ value: BodyValue) throws { try bind(token, .value(value)) }

  mutating func defineVariable(_ token: Token) throws -> VariableID {
    let id = VariableID(kernel.variables.count)
    kernel.variables.append(try define(token, .variable(id)))
    return id
  }

  static func isNumeral(_ text: String) -> Bool { text.allSatisfy { $0.isASCII && $0.isNumber } }

  mutating func scoped<Result>(_ read: (inout KernelParser) throws -> Result) throws -> Result {
    scopes.append([:])
    defer { scopes.removeLast() }
    return try read(&self)
  }

  /// Items with commas between, up to `close`, which is taken.
  mutating func list(until close: String, _ item: (inout KernelParser) throws -> Void) throws {
    if stream.take(close) { return }
    repeat { try item(&self) } while stream.take(",")
    guard stream.take(close) else { throw stream.unexpected("',' or '\(close)'") }
  }

  // MARK: Kernels

  /// `kernel @name(input %x: f32[S], ...) symbols (N, M) { phases }`
  mutating func readKernel() throws -> Kernel {
    try stream.expect("kernel")
    kernel = Kernel(name: Name(try stream.expect(.symbol, "a kernel's name, @name").text), buffers: [])
    scopes = [[:]]
    try stream.expect("(")
    try list(until: ")") { try $0.buffer() }
    if stream.take("symbols") {
      try stream.expect("(")
      try list(until: ")") {
        let token = try $0.stream.expect(.word, "a symbol")
        guard !$0.kernel.symbols.contains(Name(token.text)) else {
          throw $0.stream.error("got the symbol \(token.text) again, expected one that is not there yet", at: token)
        }
        $0.kernel.additionalSymbols.append(Name(token.text))
      }
    }
    try stream.expect("{")
    while !stream.take("}") {
      let token = stream.peek()
      let phase = try self.phase()
      if kernel.phases.contains(where: { $0.name == phase.name }) {
        throw stream.error("got a second phase @\(phase.name), expected another name", at: token)
      }
      kernel.phases.append(phase)
    }
    return kernel
  }

  /// `input %x: f32[B, S] strides [S*512, 512]`
  private mutating func buffer() throws {
    guard stream.current.kind == .word, let role = Kernel.Buffer.Role(rawValue: stream.current.text) else {
      throw stream.unexpected("a buffer: input, output, inout or workspace")
    }
    let roleToken = stream.advance()
    if role != .workspace, kernel.buffers.last?.role == .workspace {
      throw stream.error("got \(role.rawValue) after a workspace, expected workspaces last", at: roleToken)
    }
    let name = try define(try stream.expect(.value, "a buffer's name, %name"), .buffer(kernel.buffers.count))
    try stream.expect(":")
    let type = try stream.tensorType()
    var strides: Shape?
    if stream.isAt("strides") {
      let token = stream.advance()
      strides = try stream.shape()
      guard strides!.rank == type.rank else {
        throw stream.error(
          "got \(strides!.rank) strides for %\(name.quotedWhereNeeded) of type \(type), expected \(type.rank)", at: token)
      }
    }
    kernel.buffers.append(Kernel.Buffer(name, role, type, strides: strides))
  }

  /// `phase @name (%b : B, %t : ceil(S/96)) if 16 < S { statements }`
  private mutating func phase() throws -> Kernel.Phase {
    guard stream.isAt("phase") else { throw stream.unexpected("a phase, or the '}' that ends the kernel") }
    stream.advance()
    let name = Name(try stream.expect(.symbol, "a phase's name, @name").text)
    tiles = []
    return try scoped {
      let domain = try $0.dimensions()
      let condition = $0.stream.take("if") ? try $0.expression() : nil
      return Kernel.Phase(name: name, domain: domain, condition: condition, body: try $0.block())
    }
  }

  /// `(%r : %rows, %d : 64)`. The variables come into scope after the last extent: the domain is a box.
  mutating func dimensions() throws -> [Dimension] {
    try stream.expect("(")
    var read: [(Token, IntegerExpression)] = []
    try list(until: ")") {
      let token = try $0.stream.expect(.value, "a variable, %name")
      try $0.stream.expect(":")
      read.append((token, try $0.expression()))
    }
    return try read.map { Dimension(try defineVariable($0), $1) }
  }

  // MARK: Statements

  /// `{ statements }` in a scope of its own.
  private mutating func block() throws -> [Statement] {
    guard depth < Self.deepestNesting else { throw stream.error("got statements nested deeper than \(Self.deepestNesting)") }
    depth += 1
    defer { depth -= 1 }
    try stream.expect("{")
    return try scoped {
      var statements: [Statement] = []
      while !$0.stream.take("}") { statements.append(try $0.statement()) }
      return statements
    }
  }

  private mutating func statement() throws -> Statement {
    if stream.take("tile") { return .tile(try tile()) }
    if stream.take("var") { return .tile(try scalar()) }
    if stream.take("let") {
      let token = try stream.expect(.value, "a variable, %name")
      try stream.expect("=")
      let value = try expression()
      return .define(try defineVariable(token), value)
    }
    if stream.take("set") { return try assignment() }
    if stream.take("for") { return .loop(try loop()) }
    if stream.take("if") { return try branch() }
    if stream.take("cold") { return .cold(try block()) }
    if stream.take("do") { return .compute(try bodyBlock(Body())) }
    if stream.isAt("map") {
      let start = stream.advance()
      return try scoped {
        let dimensions = try $0.dimensions()
        guard !dimensions.isEmpty else {
          throw $0.stream.error("got a map without dimensions, expected at least one: do { } runs once", at: start)
        }
        return .map(Map(dimensions, try $0.bodyBlock(Body())))
      }
    }
    if stream.isAt("contract") { return .contract(try scoped { try $0.contraction() }) }
    throw stream.unexpected("a statement: tile, var, let, set, for, if, cold, do, map or contract, or the '}' that ends the block")
  }

  /// `tile %scores : f32[96, 384]`
  private mutating func tile() throws -> Tile {
    let token = try stream.expect(.value, "a tile's name, %name")
    try stream.expect(":")
    let element = try stream.elementType()
    var shape: [Int] = []
    if stream.take("[") { try list(until: "]") { shape.append(try $0.stream.integer()) } }
    guard !shape.isEmpty else {
      throw stream.error("got the tile \(token.spelling) without extents, expected some: a scalar is a var", at: token)
    }
    let tile = Tile(try define(token, .tile(tiles.count)), element, shape)
    tiles.append(tile)
    return tile
  }

  /// `var %moved : i32 = 0`. The scalar comes into scope after its initial value.
  private mutating func scalar() throws -> Tile {
    let token = try stream.expect(.value, "a scalar's name, %name")
    try stream.expect(":")
    let element = try stream.elementType()
    var initial: Tile.Initial?
    if stream.take("=") {
      initial = element.isInteger ? .expression(try expression()) : .literal(try literal(of: element))
    }
    let tile = Tile(try define(token, .tile(tiles.count)), element, [], initial: initial)
    tiles.append(tile)
    return tile
  }

  /// `set %found = %a == 1`
  private mutating func assignment() throws -> Statement {
    expressionSize = 0
    let access = try access()
    try stream.expect("=")
    return .assign(access, try expression())
  }

  /// `for %j = 0 to S step 384 { ... }`
  private mutating func loop() throws -> Loop {
    let token = try stream.expect(.value, "a variable, %name")
    try stream.expect("=")
    let from = try expression()
    try stream.expect("to")
    let to = try expression()
    let step = stream.take("step") ? try stream.integer() : 1
    return try scoped {
      let variable = try $0.defineVariable(token)
      return Loop(variable, from: from, to: to, step: step, body: try $0.block())
    }
  }

  /// `if CONDITION { ... } else { ... }`; `else if` nests.
  private mutating func branch() throws -> Statement {
    guard depth < Self.deepestNesting else { throw stream.error("got statements nested deeper than \(Self.deepestNesting)") }
    depth += 1
    defer { depth -= 1 }
    let condition = try expression()
    let then = try block()
    guard stream.take("else") else { return .branch(condition: condition, then: then, otherwise: []) }
    let otherwise = stream.take("if") ? [try branch()] : try block()
    return .branch(condition: condition, then: then, otherwise: otherwise)
  }

  /// `contract (rows) x (columns) over (dimensions) LEFT * RIGHT ahead NEXT from INITIAL as %x : f32 { epilogue }`
  private mutating func contraction() throws -> Contraction {
    let start = stream.advance()
    let rows = try dimensions()
    try stream.expect("x")
    let columns = try dimensions()
    try stream.expect("over")
    let over = try dimensions()
    guard rows.count == 1, 1...2 ~= columns.count, !over.isEmpty else {
      throw stream.error(
        "got a contraction of \(rows.count) x \(columns.count) over \(over.count) dimensions, expected 1 x 1 or 2 over at least 1",
        at: start)
    }
    expressionSize = 0
    let left = try access()
    try stream.expect("*")
    let right = try access()
    let ahead = stream.take("ahead") ? try access() : nil
    let initial = stream.take("from") ? try access() : nil
    try stream.expect("as")
    return try scoped {
      let token = try $0.stream.expect(.value, "the accumulator's name, %name")
      try $0.defineValue(token, BodyValue(0))
      let name = Self.isNumeral(token.text) ? Name.none : Name(token.text)
      try $0.stream.expect(":")
      let accumulator = try $0.stream.elementType()
      return Contraction(
        rows: rows[0], columns: columns, over: over, left: left, right: right, ahead: ahead, initial: initial,
        accumulator: accumulator,
        epilogue: try $0.bodyBlock(Body(parameters: [.init(name, accumulator)])))
    }
  }
}

extension Kernel: Verifiable {
  /// Checks that the kernel is well formed: names, scopes, ranks, types, memory. What depends on extents is checked by the
  /// evaluator.
  public func verify() throws {
    var verifier = KernelVerifier(kernel: self)
    do {
      try verifier.verify()
    } catch let error as HeedError {
      throw error.during((["kernel @\(name.quotedWhereNeeded)"] + verifier.failurePlace).joined(separator: ", "))
    }
  }
}

extension Kernel {
  fileprivate var withoutAdditionalSymbols: [Name] {
    var copy = self
    copy.additionalSymbols = []
    return copy.symbols
  }
}

/// Walks a kernel as it runs, with what is in scope.
struct KernelVerifier {
  let kernel: Kernel
  /// Where a check failed, the outermost place first.
  private(set) var failurePlace: [String] = []
  /// The tiles of the phase so far, in textual order.
  var tiles: [Tile] = []
  /// Which of the tiles are in scope, and which variables.
  var tilesInScope: Set<Int> = []
  var variablesInScope: Set<VariableID> = []
  private var definedVariables: Set<VariableID> = []
  /// The `let`s that hold conditions.
  var conditions: Set<VariableID> = []
  /// Variables of the map or contraction in hand that run from 0 to below a constant.
  var constantExtents: [VariableID: Int] = [:]
  /// The body in hand and the number of its values that are computed.
  var body: Body?
  var computedValues = 0
  let symbols: Set<Name>

  /// The most scratch memory that the tiles of a phase take, in bytes.
  private static let mostScratch = 64 << 20

  init(kernel: Kernel) {
    self.kernel = kernel
    symbols = Set(kernel.symbols)
  }

  /// Says what is named in messages.
  var printer: KernelPrinter {
    var printer = KernelPrinter(describing: kernel, tiles: tiles)
    if let body { printer.describe(body) }
    return printer
  }

  func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw HeedError(message()) }
  }

  private mutating func within(
    _ place: (KernelVerifier) -> String, _ check: (inout KernelVerifier) throws -> Void
  ) throws {
    do {
      try check(&self)
    } catch {
      failurePlace.insert(place(self), at: 0)
      throw error
    }
  }

  // MARK: Kernel

  mutating func verify() throws {
    try expect(!kernel.name.isNone, "got a kernel without a name, expected one")
    var names: Set<Name> = []
    for (position, buffer) in kernel.buffers.enumerated() {
      let place = { (_: KernelVerifier) in "buffer %\(buffer.name.quotedWhereNeeded)" }
      try within(place) { verifier in
        try verifier.expect(!buffer.name.isNone, "got no name for buffer \(position), expected one")
        try verifier.expect(names.insert(buffer.name).inserted, "got a second buffer of this name, expected another name")
        try verifier.expect(
          position == 0 || buffer.role == .workspace || verifier.kernel.buffers[position - 1].role != .workspace,
          "got \(buffer.role.rawValue) after a workspace, expected workspaces last")
        try verifier.check(buffer)
      }
    }
    try expect(
      Set(kernel.symbols).count == Set(kernel.withoutAdditionalSymbols).count + kernel.additionalSymbols.count,
      "got additional symbols (\(kernel.additionalSymbols.map(\.text).joined(separator: ", "))), expected ones that no buffer mentions, each once"
    )
    var phases: Set<Name> = []
    for phase in kernel.phases {
      let place = { (_: KernelVerifier) in "phase @\(phase.name.quotedWhereNeeded)" }
      try within(place) {
        try $0.expect(!phase.name.isNone, "got a phase without a name, expected one")
        try $0.expect(phases.insert(phase.name).inserted, "got a second phase of this name, expected another name")
        try $0.check(phase)
      }
    }
  }

  private func check(_ buffer: Kernel.Buffer) throws {
    for extent in buffer.type.shape.extents {
      try expect((extent.constant ?? 0) >= 0, "got the extent \(extent), expected at least 0")
    }
    guard let strides = buffer.strides else { return }
    try expect(
      strides.rank == buffer.type.rank, "got \(strides.rank) strides for type \(buffer.type), expected \(buffer.type.rank)")
    try expect(buffer.role != .workspace, "got strides of a workspace, expected none: it is row-major")
    for (stride, extent) in zip(strides.extents, buffer.type.shape.extents) {
      try expect((stride.constant ?? 0) >= 0, "got the stride \(stride), expected at least 0")
      try expect(
        buffer.role == .input || stride.constant != 0 || (extent.constant ?? 2) <= 1,
        "got the stride 0 of an \(buffer.role.rawValue), expected each element in a place of its own")
    }
  }

  private mutating func check(_ phase: Kernel.Phase) throws {
    (tiles, tilesInScope, variablesInScope) = ([], [], [])
    if let condition = phase.condition { try check(condition, of: phase.domain) }
    try bind(phase.domain)
    try check(phase.body)
    var bytes = 0
    for tile in tiles where !tile.isScalar { bytes += (Self.byteCount(tile)! + 63) / 64 * 64 }
    try expect(bytes <= Self.mostScratch, "got tiles of \(bytes) bytes in all, expected at most \(Self.mostScratch)")
  }

  /// Checks what a phase runs under: it is known before the domain.
  private func check(_ condition: IntegerExpression, of domain: [Dimension]) throws {
    if let variable = domain.map(\.variable).first(where: { condition.mentions($0) }) {
      throw HeedError(
        "got the condition \(printer.text(condition)), which mentions the domain's variable \(printer.name(variable)), "
          + "expected symbols and elements of buffers")
    }
    try check(condition)
    try expectCondition(condition)
  }

  private func expectCondition(_ condition: IntegerExpression) throws {
    try expect(isCondition(condition), "got the condition \(printer.text(condition)), expected a comparison")
  }

  /// The bytes of a tile; nil where an extent is not positive or the size is out of range.
  private static func byteCount(_ tile: Tile) -> Int? {
    var bytes = tile.element.byteCount
    for extent in tile.shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
      guard extent > 0, !overflow, product <= mostScratch else { return nil }
      bytes = product
    }
    return bytes
  }

  // MARK: Scopes

  mutating func define(_ variable: VariableID) throws {
    try expect(kernel.variables.indices.contains(variable.index), "got variable \(variable.index) of \(kernel.variables.count)")
    try expect(definedVariables.insert(variable).inserted, "got a second definition of \(printer.name(variable)), expected one")
    variablesInScope.insert(variable)
  }

  /// Checks the extents, then takes the variables into scope.
  private mutating func bind(_ dimensions: [Dimension]) throws {
    for dimension in dimensions { try check(dimension.extent) }
    for dimension in dimensions { try define(dimension.variable) }
  }

  private mutating func scoped(_ check: (inout KernelVerifier) throws -> Void) throws {
    let saved = (tilesInScope, variablesInScope, constantExtents)
    try check(&self)
    (tilesInScope, variablesInScope, constantExtents) = saved
  }

  // MARK: Statements

  private mutating func check(_ statements: [Statement]) throws {
    try scoped { for statement in statements { try $0.check(statement) } }
  }

  private mutating func check(_ statement: Statement) throws {
    switch statement {
    case .tile(let tile):
      if let initial = tile.initial { try check(initial, of: tile) }
      try expect(
        Self.byteCount(tile) != nil,
        "got the tile %\(tile.name.quotedWhereNeeded) of shape \(tile.shape), expected positive extents and at most \(Self.mostScratch) bytes"
      )
      tilesInScope.insert(tiles.count)
      tiles.append(tile)
    case .define(let variable, let value):
      try check(value)
      try define(variable)
      if isCondition(value) { conditions.insert(variable) }
    case .assign(let access, let value):
      let place = { (verifier: KernelVerifier) in "set \(verifier.printer.text(access))" }
      try within(place) { try $0.checkAssignment(access, value) }
    case .compute(let body):
      let place = { (_: KernelVerifier) in "do" }
      try within(place) {
        try $0.expect(body.parameters.isEmpty, "got a body with parameters, expected none")
        try $0.check(body, over: [], reading: [])
      }
    case .loop(let loop):
      try check(loop.from)
      try check(loop.to)
      try expect(loop.step > 0, "got a loop with step \(loop.step), expected at least 1")
      try scoped {
        try $0.define(loop.variable)
        let place = { (verifier: KernelVerifier) in "for \(verifier.printer.name(loop.variable))" }
        try $0.within(place) { try $0.check(loop.body) }
      }
    case .branch(let condition, let then, let otherwise):
      try check(condition)
      try expectCondition(condition)
      let place = { (verifier: KernelVerifier) in "if \(verifier.printer.text(condition))" }
      try within(place) {
        try $0.check(then)
        try $0.check(otherwise)
      }
    case .cold(let statements): try within({ _ in "cold" }) { try $0.check(statements) }
    case .map(let map):
      try scoped {
        let place = { (verifier: KernelVerifier) in "map (\(verifier.names(map.dimensions)))" }
        try $0.within(place) {
          try $0.expect(!map.dimensions.isEmpty, "got a map without dimensions, expected at least one")
          try $0.bindConstantly(map.dimensions)
          try $0.expect(map.body.parameters.isEmpty, "got a map whose body has parameters, expected none")
          try $0.check(map.body, over: map.dimensions, reading: [])
        }
      }
    case .contract(let contraction):
      try scoped { verifier in
        let place = { (verifier: KernelVerifier) in
          let names = [[contraction.rows], contraction.columns, contraction.over].map(verifier.names)
          return "contract (\(names[0])) x (\(names[1])) over (\(names[2]))"
        }
        try verifier.within(place) { try $0.check(contraction) }
      }
    }
  }

  /// Checks what a scalar starts with; the scalar itself is not in scope yet.
  private func check(_ initial: Tile.Initial, of tile: Tile) throws {
    let name = "%\(tile.name.quotedWhereNeeded)"
    try expect(tile.isScalar, "got an initial value of the tile \(name) of shape \(tile.shape), expected one of scalars only")
    switch initial {
    case .literal(let literal):
      try expect(
        !tile.element.isInteger && literal.converted(to: tile.element) == literal,
        "got the initial value \(printer.text(initial, tile.element)) of \(name), expected "
          + (tile.element.isInteger ? "an expression" : "a value of type \(tile.element)"))
    case .expression(let expression):
      try expect(
        tile.element.isInteger,
        "got the initial value \(printer.text(expression)) of \(name) of type \(tile.element), expected a number of that type")
      try check(expression)
    }
  }

  private func checkAssignment(_ access: Access, _ value: IntegerExpression) throws {
    try check(value)
    try check(access)
    try checkWritten(access.place)
    try expect(!access.isGuarded, "got a guarded index, expected indices that are inside")
    let element = element(of: access.place)
    try expect(element.isInteger, "got the type \(element), expected an integer type: a do block stores any other")
  }

  private func names(_ dimensions: [Dimension]) -> String { dimensions.map { printer.name($0.variable) }.joined(separator: ", ") }

  private mutating func bindConstantly(_ dimensions: [Dimension]) throws {
    try bind(dimensions)
    for dimension in dimensions {
      if case .constant(let extent) = dimension.extent { constantExtents[dimension.variable] = extent }
    }
  }

  // MARK: Contractions

  private mutating func check(_ contraction: Contraction) throws {
    try expect(1...2 ~= contraction.columns.count, "got \(contraction.columns.count) column dimensions, expected 1 or 2")
    try expect(!contraction.over.isEmpty, "got no dimension to contract over, expected at least one")
    try expect(
      contraction.accumulator == .f32 || contraction.accumulator == .f64,
      "got an accumulator of type \(contraction.accumulator), expected f32 or f64")
    let columns = contraction.columns.map(\.variable)
    let over = contraction.over.map(\.variable)
    // The extents of all three see none of the variables.
    try bindConstantly([contraction.rows] + contraction.columns + contraction.over)
    let operands =
      [(contraction.left, "left"), (contraction.right, "right")] + (contraction.ahead.map { [($0, "operand ahead")] } ?? [])
    for (access, role) in operands {
      try checkOperand(access, role, accumulator: contraction.accumulator)
    }
    if let column = columns.first(where: { contraction.left.mentions($0) }) {
      throw HeedError(
        "got \(printer.text(contraction.left)) on the left, which mentions the column \(printer.name(column)), expected rows and over"
      )
    }
    try expect(
      !contraction.right.mentions(contraction.rows.variable),
      "got \(printer.text(contraction.right)) on the right, which mentions the row \(printer.name(contraction.rows.variable)), "
        + "expected columns and over")
    if let ahead = contraction.ahead {
      try expect(
        ahead.place == contraction.right.place && !ahead.mentions(contraction.rows.variable),
        "got \(printer.text(ahead)) ahead, expected an element of the place on the right that no row is mentioned for")
    }
    if let initial = contraction.initial {
      try checkOperand(initial, "initial", accumulator: contraction.accumulator)
      if let summed = over.first(where: { initial.mentions($0) }) {
        throw HeedError(
          "got the initial \(printer.text(initial)), which mentions \(printer.name(summed)), expected rows and columns")
      }
    }
    variablesInScope.subtract(over)
    let parameters = contraction.epilogue.parameters.map(\.type)
    try expect(
      parameters == [contraction.accumulator],
      "got an epilogue with parameters of types (\(parameters.map(\.name).joined(separator: ", "))), expected (\(contraction.accumulator))"
    )
    try check(
      contraction.epilogue, over: [contraction.rows] + contraction.columns,
      reading: [contraction.left.place, contraction.right.place])
  }

  private mutating func checkOperand(_ access: Access, _ role: String, accumulator: ElementType) throws {
    try check(access)
    try expect(!access.isGuarded, "got the guarded \(role) \(printer.text(access)), expected indices that are inside")
    let element = element(of: access.place)
    try expect(
      element == accumulator || element.widens(to: accumulator),
      "got the \(role) \(printer.text(access)) of type \(element), expected the accumulator's \(accumulator) or a narrower type that it holds exactly"
    )
  }
}

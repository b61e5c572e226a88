extension Kernel: CustomStringConvertible {
  /// The kernel as text that parses to the same kernel. A kernel that is not well formed prints as well as it can.
  public var text: String {
    var printer = KernelPrinter(kernel: self)
    printer.print()
    return printer.lines.joined(separator: "\n")
  }

  /// The same as `text`.
  public var description: String { text }
}

/// Prints a kernel. Names are made unique among those in scope, unnamed values of bodies are numbered.
package struct KernelPrinter {
  let kernel: Kernel
  var lines: [String] = []
  private var indentation = 0
  private var scopes: [Set<String>] = [[]]
  private var bufferNames: [String] = []
  private var tileNames: [String] = []
  private var tiles: [Tile] = []
  private var variableNames: [VariableID: String] = [:]
  /// The body in hand.
  var body = Body()
  var valueNames: [String] = []

  private static let width = 120

  init(kernel: Kernel) { self.kernel = kernel }

  /// A printer of single expressions and accesses for messages, which names everything as the kernel does, unique or not.
  package init(describing kernel: Kernel, tiles: [Tile]) {
    self.kernel = kernel
    self.tiles = tiles
    bufferNames = kernel.buffers.map { "%" + $0.name.quotedWhereNeeded }
    tileNames = tiles.map { "%" + $0.name.quotedWhereNeeded }
    for (number, name) in kernel.variables.enumerated() { variableNames[VariableID(number)] = "%" + name.quotedWhereNeeded }
  }

  /// The names of a body's values for messages.
  package mutating func describe(_ body: Body) {
    self.body = body
    valueNames = body.parameters.map { "%" + $0.name.quotedWhereNeeded }
    for (position, instruction) in body.instructions.enumerated() {
      if case .constant = instruction.operation, instruction.name.isNone {
        valueNames.append(literalText(of: instruction))
      } else {
        valueNames.append(instruction.name.isNone ? "%\(position)" : "%" + instruction.name.quotedWhereNeeded)
      }
    }
  }

  // MARK: Names

  /// A name for something new, different from all in scope, in the form that follows `%`.
  mutating func fresh(_ name: Name, otherwise: String) -> String {
    let wanted = KernelParser.isNumeral(name.text) ? otherwise : name.text
    var unique = wanted
    var count = 0
    while scopes.contains(where: { $0.contains(unique) }) {
      count += 1
      unique = "\(wanted).\(count)"
    }
    scopes[scopes.count - 1].insert(unique)
    return "%" + Name(unique).quotedWhereNeeded
  }

  /// Takes a number as the name of an unnamed value.
  private mutating func define(_ variable: VariableID) -> String {
    let name = kernel.variables.indices.contains(variable.index) ? kernel.variables[variable.index] : .none
    let unique = fresh(name, otherwise: "v")
    variableNames[variable] = unique
    return unique
  }

  private mutating func scoped(_ print: (inout KernelPrinter) -> Void) {
    scopes.append([])
    indentation += 1
    print(&self)
    indentation -= 1
    scopes.removeLast()
  }

  mutating func line(_ text: String) { lines.append(String(repeating: "  ", count: indentation) + text) }

  package func name(_ variable: VariableID) -> String { variableNames[variable] ?? "%undefined.\(variable.index)" }

  package func name(_ place: Place) -> String {
    switch place {
    case .buffer(let number): bufferNames.indices.contains(number) ? bufferNames[number] : "%buffer.\(number)"
    case .tile(let number): tileNames.indices.contains(number) ? tileNames[number] : "%tile.\(number)"
    }
  }

  func element(of place: Place) -> ElementType? {
    switch place {
    case .buffer(let number): kernel.buffers.indices.contains(number) ? kernel.buffers[number].type.element : nil
    case .tile(let number): tiles.indices.contains(number) ? tiles[number].element : nil
    }
  }

  // MARK: Kernels

  mutating func print() {
    let buffers = kernel.buffers.map { buffer in
      bufferNames.append(fresh(buffer.name, otherwise: "b"))
      let strides = buffer.strides.map { " strides \($0)" } ?? ""
      return "\(buffer.role.rawValue) \(bufferNames.last!): \(buffer.type)\(strides)"
    }
    let head = "kernel @\(kernel.name.quotedWhereNeeded)("
    let additional = kernel.additionalSymbols.map(\.text).joined(separator: ", ")
    let tail = additional.isEmpty ? ") {" : ") symbols (\(additional)) {"
    if head.count + buffers.reduce(0, { $0 + $1.count + 2 }) <= Self.width {
      line("\(head)\(buffers.joined(separator: ", "))\(tail)")
    } else {
      line(head)
      for (position, buffer) in buffers.enumerated() { line("    \(buffer)\(position == buffers.count - 1 ? "" : ",")") }
      line(tail)
    }
    for phase in kernel.phases { scoped { $0.print(phase) } }
    line("}")
  }

  private mutating func print(_ phase: Kernel.Phase) {
    tileNames = []
    tiles = []
    let domain = dimensions(phase.domain)
    let condition = phase.condition.map { " if \(text($0))" } ?? ""
    line("phase @\(phase.name.quotedWhereNeeded) \(domain)\(condition) {")
    block(phase.body)
    line("}")
  }

  /// `(%r : %rows, %d : 64)`; the extents cannot see the variables.
  private mutating func dimensions(_ dimensions: [Dimension]) -> String {
    let extents = dimensions.map { text($0.extent) }
    return "(" + zip(dimensions, extents).map { "\(define($0.variable)) : \($1)" }.joined(separator: ", ") + ")"
  }

  // MARK: Statements

  private mutating func block(_ statements: [Statement]) {
    scoped { for statement in statements { $0.print(statement) } }
  }

  private mutating func print(_ statement: Statement) {
    switch statement {
    case .tile(let tile):
      let initial = tile.initial.map { " = \(text($0, tile.element))" } ?? ""
      let name = fresh(tile.name, otherwise: "t")
      tileNames.append(name)
      tiles.append(tile)
      line((tile.isScalar ? "var \(name) : \(tile.element)" : "tile \(name) : \(tile.element)\(tile.shape)") + initial)
    case .define(let variable, let value):
      let value = text(value)
      line("let \(define(variable)) = \(value)")
    case .assign(let access, let value): line("set \(text(access)) = \(text(value))")
    case .compute(let body):
      line("do {")
      print(body)
      line("}")
    case .loop(let loop):
      let bounds = "\(text(loop.from)) to \(text(loop.to)) step \(loop.step) {"
      // The variable is in scope in the body alone.
      scopes.append([])
      line("for \(define(loop.variable)) = \(bounds)")
      block(loop.body)
      scopes.removeLast()
      line("}")
    case .branch(let condition, let then, let otherwise):
      line("if \(text(condition)) {")
      block(then)
      if !otherwise.isEmpty {
        line("} else {")
        block(otherwise)
      }
      line("}")
    case .cold(let statements):
      line("cold {")
      block(statements)
      line("}")
    case .map(let map):
      scopes.append([])
      line("map \(dimensions(map.dimensions)) {")
      print(map.body)
      scopes.removeLast()
      line("}")
    case .contract(let contraction):
      scopes.append([])
      print(contraction)
      scopes.removeLast()
      line("}")
    }
  }

  private mutating func print(_ contraction: Contraction) {
    let rows = dimensions([contraction.rows])
    let columns = dimensions(contraction.columns)
    let head = "contract \(rows) x \(columns) over \(dimensions(contraction.over))"
    let initial = contraction.initial.map { " from \(text($0))" } ?? ""
    let ahead = contraction.ahead.map { " ahead \(text($0))" } ?? ""
    let product = "\(text(contraction.left)) * \(text(contraction.right))\(ahead)\(initial)"
    scopes.append([])
    nameParameters(of: contraction.epilogue)
    let tail = "as \(valueNames.first ?? "%none") : \(contraction.accumulator) {"
    if indentation * 2 + head.count + product.count + tail.count + 2 <= Self.width {
      line("\(head) \(product) \(tail)")
    } else {
      line(head)
      line("    \(product) \(tail)")
    }
    printInstructions()
    scopes.removeLast()
  }

  // MARK: Bodies

  private mutating func print(_ body: Body) {
    scopes.append([])
    nameParameters(of: body)
    printInstructions()
    scopes.removeLast()
  }

  private mutating func nameParameters(of body: Body) {
    self.body = body
    valueNames = []
    for parameter in body.parameters { valueNames.append(nameValue(parameter.name)) }
  }

  private mutating func nameValue(_ name: Name) -> String {
    if !KernelParser.isNumeral(name.text) { return fresh(name, otherwise: "") }
    var number = 0
    while !scopes[scopes.count - 1].insert("\(number)").inserted { number += 1 }
    return "%\(number)"
  }

  private mutating func printInstructions() {
    indentation += 1
    let isInline = inlineConstants
    for (position, instruction) in body.instructions.enumerated() {
      if isInline[position] {
        valueNames.append(literalText(of: instruction))
        continue
      }
      let written = text(instruction)
      switch instruction.operation {
      case .store, .accumulate:
        valueNames.append("%none")
        line(written)
      default:
        valueNames.append(nameValue(instruction.name))
        line("\(valueNames.last!) = \(written)")
      }
    }
    indentation -= 1
  }
}

package import OrderedCollections

/// What statements name: symbols of sizes, variables, tiles and scalars, each in the order of the first mention.
package struct Mentions {
  /// The symbols.
  package private(set) var symbols: OrderedSet<Name> = []
  /// The variables, those that the statements define included.
  package private(set) var variables: OrderedSet<VariableID> = []
  /// The tiles and scalars by their numbers in the phase, those that the statements declare included where they are used.
  package private(set) var tiles: OrderedSet<Int> = []

  /// What these statements name.
  package init(_ statements: [Statement] = []) { collect(statements) }
}

extension Kernel {
  /// Sets `additionalSymbols` to the symbols that the kernel mentions and its buffers do not.
  public mutating func declareMentionedSymbols() {
    additionalSymbols = []
    var found = Mentions()
    for phase in phases {
      found.collect(phase.domain)
      if let condition = phase.condition { found.collect(condition) }
      found.collect(phase.body)
    }
    additionalSymbols = found.symbols.subtracting(symbols).elements
  }
}

extension Mentions {
  fileprivate mutating func collect(_ statements: [Statement]) {
    for statement in statements { collect(statement) }
  }

  private mutating func collect(_ statement: Statement) {
    switch statement {
    case .tile(let tile):
      if case .expression(let value) = tile.initial { collect(value) }
    case .define(_, let value): collect(value)
    case .assign(let access, let value):
      collect(access)
      collect(value)
    case .compute(let body): collect(body)
    case .loop(let loop):
      collect(loop.from)
      collect(loop.to)
      collect(loop.body)
    case .branch(let condition, let then, let otherwise):
      collect(condition)
      collect(then)
      collect(otherwise)
    case .cold(let statements): collect(statements)
    case .map(let map):
      collect(map.dimensions)
      collect(map.body)
    case .contract(let contraction):
      collect([contraction.rows] + contraction.columns + contraction.over)
      for access in [contraction.left, contraction.right, contraction.ahead, contraction.initial].compactMap({ $0 }) {
        collect(access)
      }
      collect(contraction.epilogue)
    }
  }

  fileprivate mutating func collect(_ dimensions: [Dimension]) {
    for dimension in dimensions { collect(dimension.extent) }
  }

  private mutating func collect(_ body: Body) {
    for instruction in body.instructions {
      switch instruction.operation {
      case .index(let expression): collect(expression)
      case .load(let access, _), .store(let access), .accumulate(_, let access): collect(access)
      case .constant, .elementwise: break
      }
    }
  }

  private mutating func collect(_ access: Access) {
    if case .tile(let number) = access.place { tiles.append(number) }
    for index in access.indices { collect(index.expression) }
  }

  fileprivate mutating func collect(_ expression: IntegerExpression) {
    switch expression {
    case .constant, .verdict, .value: break
    case .variable(let variable): variables.append(variable)
    case .symbol(let name): symbols.append(name)
    case .load(let access): collect(access)
    case .binary(_, let a, let b):
      collect(a)
      collect(b)
    }
  }
}

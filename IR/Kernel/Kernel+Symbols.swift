internal import OrderedCollections

extension Kernel {
  /// Sets `additionalSymbols` to the symbols that the kernel mentions and its buffers do not.
  public mutating func declareMentionedSymbols() {
    additionalSymbols = []
    var found: OrderedSet<Name> = []
    for phase in phases {
      for dimension in phase.domain { dimension.extent.collectSymbols(&found) }
      phase.condition?.collectSymbols(&found)
      for statement in phase.body { statement.collectSymbols(&found) }
    }
    additionalSymbols = found.subtracting(symbols).elements
  }
}

extension IntegerExpression {
  fileprivate func collectSymbols(_ found: inout OrderedSet<Name>) {
    switch self {
    case .constant, .verdict, .variable, .value: break
    case .symbol(let name): found.append(name)
    case .load(let access): access.collectSymbols(&found)
    case .binary(_, let a, let b):
      a.collectSymbols(&found)
      b.collectSymbols(&found)
    }
  }
}

extension Access {
  fileprivate func collectSymbols(_ found: inout OrderedSet<Name>) {
    for index in indices { index.expression.collectSymbols(&found) }
  }
}

extension Statement {
  fileprivate func collectSymbols(_ found: inout OrderedSet<Name>) {
    switch self {
    case .tile(let tile):
      if case .expression(let value) = tile.initial { value.collectSymbols(&found) }
    case .define(_, let value): value.collectSymbols(&found)
    case .assign(let access, let value):
      access.collectSymbols(&found)
      value.collectSymbols(&found)
    case .compute(let body): body.collectSymbols(&found)
    case .loop(let loop):
      loop.from.collectSymbols(&found)
      loop.to.collectSymbols(&found)
      for statement in loop.body { statement.collectSymbols(&found) }
    case .branch(let condition, let then, let otherwise):
      condition.collectSymbols(&found)
      for statement in then + otherwise { statement.collectSymbols(&found) }
    case .map(let map):
      for dimension in map.dimensions { dimension.extent.collectSymbols(&found) }
      map.body.collectSymbols(&found)
    case .contract(let contraction):
      for dimension in [contraction.rows] + contraction.columns + contraction.over { dimension.extent.collectSymbols(&found) }
      for access in [contraction.left, contraction.right, contraction.ahead, contraction.initial].compactMap({ $0 }) {
        access.collectSymbols(&found)
      }
      contraction.epilogue.collectSymbols(&found)
    }
  }
}

extension Body {
  fileprivate func collectSymbols(_ found: inout OrderedSet<Name>) {
    for instruction in instructions {
      switch instruction.operation {
      case .index(let expression): expression.collectSymbols(&found)
      case .load(let access, _), .store(let access), .accumulate(_, let access): access.collectSymbols(&found)
      case .constant, .elementwise: break
      }
    }
  }
}

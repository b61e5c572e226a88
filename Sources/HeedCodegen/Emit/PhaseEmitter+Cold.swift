internal import HeedIR

/// Blocks that rarely run, as functions of their own: registers are chosen for what surrounds them as if they were not there.
extension PhaseEmitter {
  /// Emits the statements of a block as a function, and a call of it.
  ///
  /// The function gets the arguments and the scratch memory of the function that calls it and, of its environment, what the block
  /// mentions: the values of variables, the places of scalars.
  func emitCold(_ statements: [Statement]) throws {
    let mentions = Mentions(statements)
    let (block, caller) = (builder.block, builder.function)
    let carried = mentions.variables.filter { variables[$0].map { $0.constant == nil } ?? false }
    let scalars = mentions.tiles.filter { $0 < nextTile && tiles[$0].tile.isScalar }
    let operands =
      [caller.parameter(0), scratch!] + carried.map { emitter.scalar(variables[$0]!) }
      + scalars.map { tiles[$0].base }

    emitter.coldBlockCount += 1
    let function = emitter.module.addFunction(
      "\(layout.symbols.run).cold.\(emitter.coldBlockCount)",
      .function(operands.map(\.type), to: emitter.module.context.void))
    for attribute in ["noinline", "cold", "optsize"] { function.addAttribute(attribute) }
    let inner = PhaseEmitter(emitter, kernel, layout)
    try inner.begin(function)
    inner.bindTiles(in: function.parameter(1))
    for (number, scalar) in scalars.enumerated() { inner.tiles[scalar].base = function.parameter(2 + carried.count + number) }
    inner.variables = variables.filter { $0.value.constant != nil }
    for (number, variable) in carried.enumerated() {
      inner.variables[variable] = LinearIndex(function.parameter(2 + number), multiple: variables[variable]!.knownMultiple)
    }
    (inner.bounds, inner.nextTile) = (bounds, nextTile)
    try inner.emit(statements)
    builder.return()

    builder.position(at: block)
    _ = builder.call(function, operands)
  }
}

internal import HeedIR

/// Emits one phase of a kernel: the environment in which its statements and bodies are evaluated.
///
/// A body is emitted for a group of `lanes` points at once. Its values are scalars where they are the same in every lane, and the
/// addresses that it forms stay scalars with a step, so that neighbouring elements become one vector access.
final class PhaseEmitter {
  let emitter: Emitter
  let kernel: Kernel
  let layout: PhaseLayout

  /// A buffer: its base address, its extents, and its strides in elements.
  struct BoundBuffer {
    let base: LLVMValue
    let extents: [LinearIndex]
    let strides: [LinearIndex]
  }

  /// A tile and its base address; a scalar's is its place in the function's frame, from where LLVM takes it into a register.
  struct BoundTile {
    let tile: Tile
    var base: LLVMValue
  }

  private(set) var buffers: [BoundBuffer] = []
  private(set) var symbols: [Name: LLVMValue] = [:]
  /// The tiles by their numbers in the phase.
  var tiles: [BoundTile] = []
  /// The number of the next tile in textual order.
  var nextTile = 0
  /// The thread's scratch memory, where the function has any.
  private(set) var scratch: LLVMValue?
  var variables: [VariableID: LinearIndex] = [:]
  /// The greatest value that a variable can have, where one is known: it guides the choice of register tiles.
  var bounds: [VariableID: Int] = [:]

  // What a body is being emitted for.
  /// The number of points at once.
  var lanes = 1
  /// Which lanes are points of the domain; nil for all.
  var mask: LLVMValue?
  /// Whether all guarded indices are known to be inside.
  var isInside = false
  /// The body, and its values so far.
  var body = Body()
  var values: [LaneValue?] = []
  /// Zeros in the function's frame: what a lane that must not load reads instead.
  var zeros: LLVMValue?

  var builder: LLVMBuilder { _read { yield emitter.builder } }

  init(_ emitter: Emitter, _ kernel: Kernel, _ layout: PhaseLayout) {
    (self.emitter, self.kernel, self.layout) = (emitter, kernel, layout)
  }

  // MARK: Functions

  /// Emits `<kernel>.<phase>.count` and `<kernel>.<phase>.run`.
  func emit(_ phase: Kernel.Phase) throws {
    let (pointer, int64) = (emitter.pointer, emitter.int64)

    let count = emitter.module.addFunction(layout.symbols.count, .function([pointer], to: int64))
    try begin(count)
    builder.return(try pointCount(phase))

    let run = emitter.module.addFunction(
      layout.symbols.run, .function([pointer, int64, int64, pointer], to: emitter.module.context.void))
    try begin(run)
    bindTiles(in: run.parameter(3))
    let (first, end) = (run.parameter(1), run.parameter(2))
    if phase.condition == nil {
      try emitPoints(phase, from: first, to: end)
    } else {
      // Where there is no point the condition may be false: then extents may not be evaluated.
      try emitter.branch(if: builder.compare(first, .less, end)) { try emitPoints(phase, from: first, to: end) }
    }
    if Sanitizer.checksAddresses { try openScratch() }
    builder.return()
  }

  /// The number of points of a phase's domain; 0 where its condition is false.
  private func pointCount(_ phase: Kernel.Phase) throws -> LLVMValue {
    func product() throws -> LLVMValue {
      try domainExtents(phase).reduce(emitter.index(1)) { builder.multiplyNoWrap($0, $1) }
    }
    guard let condition = phase.condition else { return try product() }
    return try emitter.branch(if: try self.condition(condition), name: "phase") {
      [try product()]
    } else: {
      [emitter.index(0)]
    }[0]
  }

  /// The points `first` to below `end` of a phase's domain.
  private func emitPoints(_ phase: Kernel.Phase, from first: LLVMValue, to end: LLVMValue) throws {
    let extents = try domainExtents(phase)
    try emitter.loop(from: first, to: end, name: phase.name.text) { point, _ in
      var rest = point
      for (position, dimension) in phase.domain.enumerated().reversed() {
        if position == 0 {
          variables[dimension.variable] = LinearIndex(rest)
        } else {
          // The divisor is at least 1 where a point is run at all.
          let quotient = builder.divideUnsigned(rest, extents[position])
          variables[dimension.variable] = LinearIndex(builder.subtract(rest, builder.multiply(quotient, extents[position])))
          rest = quotient
        }
        bounds[dimension.variable] = upperBound(below: dimension.extent)
      }
      try emit(phase.body)
      return []
    }
  }

  /// Starts a function: loads buffers and symbols from its arguments.
  func begin(_ function: LLVMFunction) throws {
    function.addAttribute("nounwind")
    if Sanitizer.checksAddresses { function.addAttribute("sanitize_address") }
    builder.position(at: function.appendBlock("entry"))
    (variables, bounds, values, tiles, nextTile, lanes, mask) = ([:], [:], [], [], 0, 1, nil)
    let arguments = function.parameter(0)
    let (pointer, int64) = (emitter.pointer, emitter.int64)
    let bufferTable = builder.load(pointer, arguments, alignment: 8)
    let symbolTable = builder.load(pointer, builder.address(arguments, emitter.index(1), of: pointer), alignment: 8)
    zeros = builder.allocate(int64)
    builder.store(int64.zero, zeros!, alignment: 8)
    for (position, symbol) in kernel.symbols.enumerated() {
      symbols[symbol] = builder.load(int64, builder.address(symbolTable, emitter.index(position), of: int64), alignment: 8)
        .named(symbol.text)
    }
    let bases = kernel.buffers.enumerated().map { position, buffer in
      builder.load(pointer, builder.address(bufferTable, emitter.index(position), of: pointer), alignment: 8).named(
        buffer.name.text)
    }
    let strides = try kernel.buffers.map { try $0.effectiveStrides.map { try uniform(IntegerExpression($0)) } }
    let extents = try kernel.buffers.map { try $0.type.shape.extents.map { try uniform(IntegerExpression($0)) } }
    buffers = bases.indices.map { BoundBuffer(base: bases[$0], extents: extents[$0], strides: strides[$0]) }
  }

  /// Gives tiles their addresses in the thread's scratch memory, and scalars theirs in the frame of the function that is being started.
  func bindTiles(in scratch: LLVMValue) {
    self.scratch = scratch
    tiles = layout.tiles.map { tile, offset in
      let base =
        tile.isScalar
        ? builder.allocate(emitter.memoryType(tile.element, 1)).named(tile.name.text)
        : builder.address(scratch, emitter.index(offset), of: emitter.module.context.integer(8))
      return BoundTile(tile: tile, base: base)
    }
  }

  /// The extents of a phase's domain, held to at least 0.
  private func domainExtents(_ phase: Kernel.Phase) throws -> [LLVMValue] {
    try phase.domain.map { emitter.maximum(emitter.scalar(try uniform($0.extent)), emitter.index(0)) }
  }

  // MARK: Statements

  func emit(_ statements: [Statement]) throws {
    for statement in statements {
      // What never runs is not emitted, but its tiles have numbers.
      let next = nextTile + statement.tileCount
      try emit(statement)
      nextTile = next
    }
  }

  private func emit(_ statement: Statement) throws {
    switch statement {
    case .tile(let tile):
      if tile.isScalar {
        try declare(tile, tiles[nextTile].base)
      } else if Sanitizer.checksAddresses {
        try guardTile(tile, tiles[nextTile].base)
      }
    case .define(let variable, let expression):
      variables[variable] = try uniform(expression)
      bounds[variable] = upperBound(expression)
    case .loop(let loop):
      let (from, to) = (try uniform(loop.from), try uniform(loop.to))
      let first = emitter.scalar(from)
      try emitter.loop(from: first, to: emitter.scalar(to), step: loop.step, name: kernel.variables[loop.variable.index].text) {
        position, _ in
        variables[loop.variable] = LinearIndex(position, multiple: max(1, greatestCommonDivisor(from.knownMultiple, loop.step)))
        bounds[loop.variable] = upperBound(below: loop.to)
        try emit(loop.body)
        return []
      }
    case .branch(let condition, let then, let otherwise):
      let holds = try self.condition(condition)
      if otherwise.isEmpty { return try emitter.branch(if: holds) { try emit(then) } }
      let firstOfOtherwise = nextTile + then.tileCount
      _ = try emitter.branch(if: holds) {
        try emit(then)
        return []
      } else: {
        nextTile = firstOfOtherwise
        try emit(otherwise)
        return []
      }
    case .assign(let access, let value): try assign(value, access)
    case .compute(let body):
      (lanes, mask, self.body) = (1, nil, body)
      values = Array(repeating: nil, count: body.instructions.count)
      try emitBody()
    case .cold(let statements): try emitCold(statements)
    case .map(let map): try emit(map)
    case .contract(let contraction): try emit(contraction)
    }
  }

  /// The start of a scalar: its initial value, or none, so that no value is kept from its block's last run.
  private func declare(_ scalar: Tile, _ place: LLVMValue) throws {
    let value =
      switch scalar.initial {
      case nil: emitter.memoryType(scalar.element, 1).poison
      case .literal(let literal): emitter.storedConstant(literal, scalar.element)
      case .expression(let expression): emitter.convert(emitter.scalar(try uniform(expression)), from: .i64, to: scalar.element)
      }
    builder.store(value, place, alignment: scalar.element.byteCount)
  }

  /// Stores a whole number in an integer place.
  private func assign(_ value: IntegerExpression, _ access: Access) throws {
    let number = emitter.scalar(try uniform(value))
    (lanes, mask) = (1, nil)
    try store(.uniform(number), of: .i64, access)
  }
}

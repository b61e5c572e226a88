public import HeedIR

/// Runs kernels: the living definition of the kernel language, in plain loops.
///
/// It checks what the verifier cannot:
/// - every index against its extent, divisors, and numbers that leave 64 bits;
/// - reads of elements that were never written;
/// - elements that two points of a phase write, or that one reads and another writes;
/// - iterations of a map or contraction that depend on each other.
///
/// A float is one of its type: what each instruction computes, in double precision, is rounded. Sums of products are rounded where the
/// epilogue takes them, and what `accumulate` adds up when its statement ends. Integers wrap.
public enum KernelEvaluator {
  /// The kernel's outputs and changed `inout` buffers.
  ///
  /// - Parameters:
  ///   - inputs: an array for each input and inout buffer, by name; strides are followed by the evaluator.
  ///   - symbols: values for the symbols that do not follow from the inputs' shapes.
  /// - Throws: where an input does not fit, or at the first thing that the kernel does wrong: which statement, at which point, why.
  public static func evaluate(
    _ kernel: Verified<Kernel>, inputs: [Name: ReferenceArray], symbols: [Name: Int] = [:]
  ) throws -> [Name: ReferenceArray] {
    let ir = kernel.ir
    do {
      let symbols = try bind(ir, inputs, symbols)
      var operands: [Operand] = []
      for buffer in ir.parameters {
        let layout = try Layout(buffer, symbols)
        let memory = try KernelMemory(buffer.type.element, count: layout.count, name: "%\(buffer.name)")
        if buffer.role != .output { memory.write(inputs[buffer.name]!, strides: layout.strides, offset: 0) }
        operands.append(Operand(memory: memory))
      }
      try run(ir, operands, symbols: symbols)
      var results: [Name: ReferenceArray] = [:]
      for (buffer, operand) in zip(ir.parameters, operands) where buffer.role == .output || buffer.role == .readWrite {
        let layout = try Layout(buffer, symbols)
        results[buffer.name] = try operand.memory.array(layout.shape, strides: layout.strides, offset: 0)
      }
      return results
    } catch let error as HeedError {
      throw error.during("kernel @\(ir.name.quotedWhereNeeded)")
    }
  }

  private static func bind(_ kernel: Kernel, _ inputs: [Name: ReferenceArray], _ given: [Name: Int]) throws -> [Name: Int] {
    // The caller's symbols replace those of the shapes.
    func replaced(_ shape: Shape) -> Shape { Shape(shape.extents.map { $0.substituting { given[$0].map { Extent($0) } } }) }
    var arguments: [SymbolBinding.Argument] = []
    for buffer in kernel.parameters where buffer.role != .output {
      guard let input = inputs[buffer.name] else {
        throw HeedError("got no input %\(buffer.name), expected one of type \(buffer.type)")
      }
      guard input.element == buffer.type.element else {
        throw HeedError("%\(buffer.name): got the element type \(input.element), expected \(buffer.type.element)")
      }
      arguments.append((buffer.name, replaced(buffer.type.shape), input.shape))
    }
    let symbols = try SymbolBinding.solve(arguments).merging(given) { $1 }
    for symbol in kernel.symbols where symbols[symbol] == nil {
      throw HeedError("got no value for the symbol \(symbol), expected one")
    }
    return symbols
  }

  /// A parameter in a call: memory from an element on.
  package struct Operand {
    package var memory: KernelMemory
    package var offset: Int

    package init(memory: KernelMemory, offset: Int = 0) { (self.memory, self.offset) = (memory, offset) }
  }

  /// A buffer's extents and strides under a binding of symbols.
  package struct Layout {
    package var shape: [Int]
    package var strides: [Int]
    /// The elements that the buffer spans.
    package var count: Int

    package init(_ buffer: Kernel.Buffer, _ symbols: [Name: Int]) throws {
      do {
        shape = try buffer.type.shape.evaluate { symbols[$0] }
        strides = try buffer.effectiveStrides.map { try $0.evaluate { symbols[$0] } }
        guard try Shape.elementCount(of: shape) > 0 else {
          count = 0
          return
        }
        // The position of the last element and one more.
        count = 1
        for (extent, stride) in zip(shape, strides) {
          guard stride >= 0 else { throw HeedError("got the stride \(stride), expected at least 0") }
          let (span, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
          let (sum, carry) = count.addingReportingOverflow(span)
          guard !overflow, !carry else { throw HeedError("got a buffer that spans more elements than 64 bits count") }
          count = sum
        }
      } catch let error as HeedError {
        throw error.during("%\(buffer.name.quotedWhereNeeded)")
      }
    }
  }

  /// Runs a verified kernel on operands, one for each parameter.
  /// - Throws: as `evaluate`.
  package static func run(_ kernel: Kernel, _ operands: [Operand], symbols: [Name: Int]) throws {
    precondition(operands.count == kernel.parameters.count, "\(operands.count) operands for @\(kernel.name)")
    var memories: [KernelMemory] = []
    var layouts: [Layout] = []
    for (position, buffer) in kernel.buffers.enumerated() {
      let layout = try Layout(buffer, symbols)
      layouts.append(layout)
      guard position < operands.count else {
        memories.append(try KernelMemory(buffer.type.element, count: layout.count, name: "%\(buffer.name)"))
        continue
      }
      let operand = operands[position]
      guard operand.memory.element == buffer.type.element else {
        throw HeedError("%\(buffer.name): got memory of \(operand.memory.element), expected \(buffer.type.element)")
      }
      guard operand.offset >= 0, layout.count == 0 || operand.offset + layout.count <= operand.memory.count else {
        throw HeedError(
          "%\(buffer.name): got \(operand.memory.name) of \(operand.memory.count) elements from \(operand.offset) on, "
            + "expected \(layout.count) from there")
      }
      memories.append(operand.memory)
    }
    let machine = KernelMachine(
      kernel: kernel, memories: memories,
      offsets: operands.map(\.offset) + Array(repeating: 0, count: memories.count - operands.count),
      largestBody: kernel.largestBody)
    for (position, phase) in kernel.phases.enumerated() {
      var translator = KernelTranslator(
        kernel: kernel, symbols: symbols, shapes: layouts.map(\.shape), strides: layouts.map(\.strides))
      let domain = translator.dimensions(phase.domain)
      let condition = phase.condition.map(translator.expression)
      let body = translator.statements(phase.body)
      try machine.run(
        phase, domain: domain, condition: condition, body: body, tiles: translator.tiles, number: UInt64(position + 1))
    }
    // Another kernel's phases have the same numbers.
    for memory in memories { memory.forgetPoints() }
  }
}

extension Kernel {
  /// The most values that a body has.
  fileprivate var largestBody: Int {
    func largest(_ statements: [Statement]) -> Int {
      statements.map { statement in
        switch statement {
        case .tile, .define, .assign: 0
        case .compute(let body): body.instructions.count
        case .loop(let loop): largest(loop.body)
        case .branch(_, let then, let otherwise): max(largest(then), largest(otherwise))
        case .cold(let statements): largest(statements)
        case .map(let map): map.body.instructions.count
        case .contract(let contraction): 1 + contraction.epilogue.instructions.count
        }
      }.max() ?? 0
    }
    return phases.map { largest($0.body) }.max() ?? 0
  }
}

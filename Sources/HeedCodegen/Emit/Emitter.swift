internal import HeedIR

/// A module under construction: LLVM's builder, the target, and the small helpers that all of code generation uses.
final class Emitter {
  let module: LLVMModule
  let builder: LLVMBuilder
  let target: Target
  /// What the target has instructions of its own for.
  let operations: TargetOperations
  /// 16-bit floats in registers, as they were in memory.
  var storedForms: [LLVMValue: (value: LLVMValue, element: ElementType)] = [:]

  /// The number of functions that blocks `cold { }` became so far.
  var coldBlockCount = 0

  init(_ name: String, for machine: borrowing LLVMMachine) {
    module = LLVMModule(name, for: machine)
    builder = LLVMBuilder(module.context)
    target = machine.target
    operations = TargetOperations(for: target)
  }

  /// 64-bit integers: indices, extents, strides.
  var int64: LLVMType { module.context.integer(64) }
  var int32: LLVMType { module.context.integer(32) }
  var truth: LLVMType { module.context.integer(1) }
  var pointer: LLVMType { module.context.pointer }

  func index(_ value: Int) -> LLVMValue { int64.constant(value) }

  func call(_ intrinsic: String, _ types: [LLVMType], _ arguments: [LLVMValue]) -> LLVMValue {
    builder.call(module.intrinsic(intrinsic, types), arguments)
  }

  /// The lesser of two 64-bit integers.
  func minimum(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue {
    if let x = a.integerConstant, let y = b.integerConstant { return index(min(x, y)) }
    return call("llvm.smin", [a.type], [a, b])
  }

  /// The greater of two 64-bit integers.
  func maximum(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue {
    if let x = a.integerConstant, let y = b.integerConstant { return index(max(x, y)) }
    return call("llvm.smax", [a.type], [a, b])
  }

  /// Whether the index `a` is known at compile time to be `value`.
  func isKnown(_ a: LLVMValue, _ value: Int) -> Bool { a.integerConstant == value }

  /// Room for a value of `type` in the current function's frame.
  func allocateInEntry(_ type: LLVMType) -> LLVMValue {
    let block = builder.block
    builder.position(beforeTerminatorOf: builder.function.entry)
    defer { builder.position(at: block) }
    return builder.allocate(type)
  }

  // MARK: Control

  /// A loop of `index = lower, lower + step, ...` while `index < upper`, carrying values from one iteration to the next.
  ///
  /// - Parameters:
  ///   - step: at least 1.
  ///   - body: emits an iteration from the index and the carried values, and returns the values carried on.
  /// - Returns: the values after the last iteration, or `initial`.
  @discardableResult
  func loop(
    from lower: LLVMValue, to upper: LLVMValue, step: Int = 1, carrying initial: [LLVMValue] = [], name: String = "loop",
    _ body: (_ index: LLVMValue, _ carried: [LLVMValue]) throws -> [LLVMValue]
  ) rethrows -> [LLVMValue] {
    if let first = lower.integerConstant, let last = upper.integerConstant {
      // No round, or only one: no loop.
      if first >= last { return initial }
      if first + step >= last { return try body(lower, initial) }
    }
    let function = builder.function
    let (before, round, after) = (builder.block, function.appendBlock(name), function.appendBlock("\(name).end"))
    let entered: LLVMValue? =
      if let first = lower.integerConstant, let last = upper.integerConstant, first < last { nil } else {
        builder.compare(lower, .less, upper)
      }
    if let entered { builder.branch(if: entered, to: round, else: after) } else { builder.branch(to: round) }

    builder.position(at: round)
    let position = builder.phi(int64)
    let carried = initial.map { builder.phi($0.type) }
    let next = try body(position, carried)
    precondition(next.count == initial.count, "a loop that carries \(initial.count) values gave \(next.count)")
    let advanced = builder.addNoWrap(position, index(step))
    let latch = builder.block
    builder.branch(if: builder.compare(advanced, .less, upper), to: round, else: after)
    position.addIncoming(lower, from: before)
    position.addIncoming(advanced, from: latch)
    for (phi, (first, last)) in zip(carried, zip(initial, next)) {
      phi.addIncoming(first, from: before)
      phi.addIncoming(last, from: latch)
    }

    builder.position(at: after)
    return zip(initial, next).map { first, last in
      let phi = builder.phi(first.type)
      phi.addIncoming(last, from: latch)
      if entered != nil { phi.addIncoming(first, from: before) }
      return phi
    }
  }

  /// Runs a body where a condition holds.
  func branch(if condition: LLVMValue, name: String = "if", then body: () throws -> Void) rethrows {
    if let known = condition.integerConstant {
      if known != 0 { try body() }
      return
    }
    let function = builder.function
    let (first, after) = (function.appendBlock("\(name).then"), function.appendBlock("\(name).end"))
    builder.branch(if: condition, to: first, else: after)
    builder.position(at: first)
    try body()
    builder.branch(to: after)
    builder.position(at: after)
  }

  /// Runs one of two bodies; both return the same number of values, of the same types.
  func branch(
    if condition: LLVMValue, name: String = "if", then yes: () throws -> [LLVMValue], else no: () throws -> [LLVMValue]
  ) rethrows -> [LLVMValue] {
    if let known = condition.integerConstant { return try known != 0 ? yes() : no() }
    let function = builder.function
    let (first, second, after) =
      (function.appendBlock("\(name).then"), function.appendBlock("\(name).else"), function.appendBlock("\(name).end"))
    builder.branch(if: condition, to: first, else: second)
    builder.position(at: first)
    let yesValues = try yes()
    let yesEnd = builder.block
    builder.branch(to: after)
    builder.position(at: second)
    let noValues = try no()
    let noEnd = builder.block
    builder.branch(to: after)
    builder.position(at: after)
    precondition(yesValues.count == noValues.count, "the arms of a branch give different numbers of values")
    return zip(yesValues, noValues).map { yesValue, noValue in
      if yesValue == noValue { return yesValue }
      let phi = builder.phi(yesValue.type)
      phi.addIncoming(yesValue, from: yesEnd)
      phi.addIncoming(noValue, from: noEnd)
      return phi
    }
  }
}

import HeedArrays
import HeedIR
import Testing

/// Every elementwise op on every element type that it takes, against its definition, on every target that runs here.
@Suite struct ScalarOpTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var element: ElementType
    var target: Target
    var testDescription: String { "\(element) on \(target)" }
  }

  static let cases = runnableTargets.flatMap { target in ElementType.allCases.map { Case(element: $0, target: target) } }

  /// Operands that are hard, and some that are not.
  private static func operands(_ element: ElementType) -> [Literal] {
    if element.isFloat {
      let reals: [Double] = [
        0, -0.0, 1, -1, 0.5, 1.5, 2.5, -2.5, 3.75, -7.3, 1e-3, 126.5, -126.5, 2e9, -3e9, 1e12, 255.7, .infinity, -.infinity, .nan,
      ]
      return reals.map { Literal($0).converted(to: element)! }
    }
    let range = element.integerRange
    let integers = [0, 1, -1, 2, 3, 7, -7, 31, 33, 63, 64, 100, range.lowerBound, range.upperBound, range.upperBound - 1]
    return integers.filter(range.contains).map { Literal($0) }
  }

  @Test(arguments: cases) func everyOp(test: Case) throws {
    let element = test.element
    let values = Self.operands(element)
    // All pairs of operands, and a third one that walks.
    let columns = [
      values.flatMap { Array(repeating: $0, count: values.count) }, Array(repeating: values, count: values.count).flatMap { $0 },
      (0..<values.count * values.count).map { values[($0 * 7 + $0 / values.count) % values.count] },
    ]
    let count = columns[0].count
    var kernel = Kernel(
      name: "ops", buffers: (0..<3).map { Kernel.Buffer(Name("x\($0)"), .input, TensorType(element, [Extent(count)])) })
    let point = kernel.addVariable("p")
    let index = kernel.addVariable("i")
    var body = Body()
    let loaded = (0..<3).map { body.append(.init(.load(Access(.buffer($0), .variable(index)), otherwise: nil), type: element)) }
    var applied: [(op: Op, arity: Int, type: ElementType, semantics: ScalarSemantics, isCondition: Bool)] = []
    func add(_ op: Op, _ operands: [BodyValue], stated: ElementType? = nil, isCondition: Bool = false) {
      guard let semantics = op.scalar, let result = try? body.append(op, operands, type: stated) else { return }
      kernel.buffers.append(
        Kernel.Buffer(Name("z\(applied.count)"), .output, TensorType(body.type(result), [Extent(count)])))
      let place = Access(.buffer(kernel.buffers.count - 1), .variable(index))
      body.append(.init(.store(place), operands: [result], type: body.type(result)))
      applied.append((op, operands.count, body.type(result), semantics, isCondition))
    }
    for op in Op.all {
      guard let semantics = op.scalar else { continue }
      switch semantics.rule {
      case .convert, .bitcast:
        for result in ElementType.allCases { add(op, [loaded[0]], stated: result) }
      case .select:
        let condition = try body.append(.lessEqual, [loaded[0], loaded[1]])
        add(op, [condition, loaded[1], loaded[2]], isCondition: true)
      default: add(op, Array(loaded.prefix(semantics.arity)))
      }
    }
    kernel.phases = [
      Kernel.Phase(
        name: "run", domain: [Dimension(point, 1)], body: [.map(Map([Dimension(index, .constant(count))], body))])
    ]

    var arrays = try columns.map { try NDArray($0, element) }
    for buffer in kernel.buffers.dropFirst(3) { arrays.append(try NDArray(zeros: buffer.type.element, [count])) }
    try NativeKernel(kernel, target: test.target).run(arrays)

    for (entry, output) in zip(applied, arrays.dropFirst(3)) {
      let results = output.literals
      var failures = 0
      for position in 0..<count where failures < 3 {
        var operands = columns.prefix(entry.arity).map { $0[position] }
        var types = Array(repeating: element, count: entry.arity)
        if entry.isCondition {
          let comparison = Op.lessEqual.scalar!.apply(
            [columns[0][position], columns[1][position]], types: [element, element], result: .bool)
          (operands, types) = ([comparison, columns[1][position], columns[2][position]], [.bool, element, element])
        }
        if Self.isUnspecified(entry.op, operands[0].real, element) { continue }
        let exact = entry.semantics.apply(operands, types: types, result: entry.type)
        let expected = exact.converted(to: entry.type)!
        let isExact =
          try entry.semantics.expansion?(element == .f16 || element == .bf16 ? .f32 : element) == nil
          && entry.op != .fusedMultiplyAdd
        if !agree(results[position], expected, entry.type, isExact: isExact) {
          failures += 1
          Issue.record(
            "\(entry.op.mnemonic)(\(operands.map { $0.text(as: element) })) is \(results[position].text(as: entry.type)), expected \(expected.text(as: entry.type))"
          )
        }
      }
    }
  }

  /// Where the expansions promise nothing.
  private static func isUnspecified(_ op: Op, _ x: Double, _ element: ElementType) -> Bool {
    switch op.mnemonic {
    case "sin", "cos": abs(x) > 1e6
    case "silu", "gelu", "gelu_tanh": x == -.infinity
    default: false
    }
  }

  private func agree(_ got: Literal, _ expected: Literal, _ element: ElementType, isExact: Bool) -> Bool {
    guard element.isFloat else { return got == expected }
    let (a, b) = (got.real, expected.real)
    if a == b || a.isNaN && b.isNaN { return true }
    if isExact { return false }
    let precision: Double = [.f64: 1e-12, .f32: 1e-5, .f16: 2e-3, .bf16: 1.6e-2][element]!
    // Near the ends of the range an expansion may flush or overflow a little early.
    let (least, greatest): (Double, Double) = [
      .f64: (1e-300, 1e300), .f32: (1e-37, 3e38), .f16: (1e-7, 6e4), .bf16: (1e-37, 3e38),
    ][element]!
    return abs(a - b) <= precision * max(abs(b), 1) && !b.isInfinite && !b.isNaN || abs(a - b) < least
      || abs(a) >= greatest && abs(b) >= greatest && a.sign == b.sign
  }
}

extension NDArray {
  fileprivate init(_ literals: [Literal], _ element: ElementType) throws {
    let shape = [literals.count]
    switch element {
    case .f64: try self.init(literals.map(\.real), shape)
    case .f32: try self.init(literals.map { Float($0.real) }, shape)
    case .f16: try self.init(literals.map { Float16($0.real) }, shape)
    case .bf16: try self.init(literals.map { BFloat16($0.real) }, shape)
    case .i64: try self.init(literals.map(\.integer), shape)
    case .i32: try self.init(literals.map { Int32($0.integer) }, shape)
    case .i8: try self.init(literals.map { Int8($0.integer) }, shape)
    case .u8: try self.init(literals.map { UInt8($0.integer) }, shape)
    case .bool: try self.init(literals.map { $0.integer != 0 }, shape)
    }
  }

  fileprivate var literals: [Literal] {
    switch element {
    case .f64: values(as: Double.self).map { Literal($0) }
    case .f32: values(as: Float.self).map { Literal(Double($0)) }
    case .f16: values(as: Float16.self).map { Literal(Double($0)) }
    case .bf16: values(as: BFloat16.self).map { Literal(Double($0.float)) }
    case .i64: values(as: Int64.self).map { Literal($0) }
    case .i32: values(as: Int32.self).map { Literal(Int64($0)) }
    case .i8: values(as: Int8.self).map { Literal(Int64($0)) }
    case .u8: values(as: UInt8.self).map { Literal(Int64($0)) }
    case .bool: values(as: Bool.self).map { Literal($0) }
    }
  }
}

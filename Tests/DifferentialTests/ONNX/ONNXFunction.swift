import Heed

/// A function of one tensor in ONNX's text syntax, as cases state `score_mod` and `prob_mod`: constants, and calls of few operators in a
/// row.
///
///     cap (float[B,H,L,S] scores) => (float[B,H,L,S] scores_out)
///       <float cap = {20}>
///     { scaled = Div (scores, cap)  tanh_out = Tanh (scaled)  scores_out = Mul (tanh_out, cap) }
struct ONNXFunction: Sendable {
  private struct Call: Sendable {
    var result = "", operatorName = ""
    var attributes: [String: Int] = [:]
    var operands: [String] = []
  }

  private enum Value {
    case tensor(Tensor)
    case number(Double)
    /// Integers that are known when the graph is built, and extents: a scalar or a list.
    case extents([Extent])
  }

  private var parameter = "", result = ""
  private var constants: [String: [Double]] = [:]
  private var integers: Set<String> = []
  private var calls: [Call] = []

  // MARK: Parsing

  init(parsing text: String) throws {
    var tokens = Tokens(text)
    _ = tokens.next()
    parameter = try Self.argument(&tokens)
    try tokens.expect("=>")
    result = try Self.argument(&tokens)
    if tokens.take("<") {
      repeat {
        let (type, name) = try Self.declaration(&tokens)
        try tokens.expect("=")
        try tokens.expect("{")
        var numbers: [Double] = []
        repeat { numbers.append(try tokens.number()) } while tokens.take(",")
        try tokens.expect("}")
        constants[name] = numbers
        if type == "int64" { integers.insert(name) }
      } while tokens.take(",")
      try tokens.expect(">")
    }
    try tokens.expect("{")
    while !tokens.take("}") {
      var call = Call()
      call.result = tokens.next()
      try tokens.expect("=")
      call.operatorName = tokens.next()
      if tokens.take("<") {
        repeat {
          let name = tokens.next()
          for word in [":", "int", "="] { try tokens.expect(word) }
          call.attributes[name] = Int(try tokens.number())
        } while tokens.take(",")
        try tokens.expect(">")
      }
      try tokens.expect("(")
      repeat { call.operands.append(tokens.next()) } while tokens.take(",")
      try tokens.expect(")")
      calls.append(call)
    }
  }

  /// `(type name)`.
  private static func argument(_ tokens: inout Tokens) throws -> String {
    try tokens.expect("(")
    let (_, name) = try declaration(&tokens)
    try tokens.expect(")")
    return name
  }

  /// `float[B,H,L,S] scores`.
  private static func declaration(_ tokens: inout Tokens) throws -> (type: String, name: String) {
    let type = tokens.next()
    if tokens.take("[") { while !tokens.take("]") { _ = tokens.next() } }
    return (type, tokens.next())
  }

  private struct Tokens {
    private var rest: [String] = []

    init(_ text: String) {
      var word = ""
      for character in text {
        let isWord = character.isLetter || character.isNumber || "_.+-".contains(character)
        if isWord {
          word.append(character)
          continue
        }
        if !word.isEmpty { rest.append(word) }
        word = ""
        if character == ">", rest.last == "=" {
          rest[rest.count - 1] = "=>"
        } else if !character.isWhitespace {
          rest.append(String(character))
        }
      }
      rest.reverse()
    }

    mutating func next() -> String { rest.popLast() ?? "the end" }

    mutating func take(_ token: String) -> Bool {
      guard rest.last == token else { return false }
      rest.removeLast()
      return true
    }

    mutating func expect(_ token: String) throws {
      if !take(token) { throw HeedError("got \(rest.last ?? "the end"), expected \(token)") }
    }

    mutating func number() throws -> Double {
      let token = next()
      guard let number = Double(token) else { throw HeedError("got \(token), expected a number") }
      return number
    }
  }

  // MARK: Applying

  func callAsFunction(_ argument: Tensor) throws -> Tensor {
    var values = [parameter: Value.tensor(argument)]
    for (name, numbers) in constants {
      values[name] = integers.contains(name) ? .extents(numbers.map { Extent(Int($0)) }) : .number(numbers[0])
    }
    for call in calls {
      let operands = try call.operands.map { name in
        guard let value = values[name] else { throw HeedError("got \(name), expected a value that was made before") }
        return value
      }
      values[call.result] = try Self.apply(call, operands, argument.builder)
    }
    guard case .tensor(let tensor) = values[result] else { throw HeedError("got no tensor \(result)") }
    return tensor
  }

  private static let binary: [String: @Sendable (Tensor, Tensor) -> Tensor] = [
    "Add": { $0 + $1 }, "Sub": { $0 - $1 }, "Mul": { $0 * $1 }, "Div": { $0 / $1 }, "GreaterOrEqual": { $0 >= $1 },
  ]

  private static func apply(_ call: Call, _ operands: [Value], _ g: GraphBuilder) throws -> Value {
    func scalar(_ value: Value, like tensor: Tensor) -> Tensor? {
      switch value {
      case .tensor(let tensor): tensor
      case .number(let number): g.constant(number, tensor.element)
      case .extents: nil
      }
    }
    let (first, second, third) = (operands.first, operands.dropFirst().first, operands.dropFirst(2).first)
    switch (call.operatorName, first, second, third) {
    case ("Shape", .tensor(let x), nil, nil): return .extents(x.shape.extents)
    case ("Gather", .extents(let list), .extents(let index), nil): return .extents([list[index[0].constant!]])
    case ("Range", .extents([0]), .extents(let count), .extents([1])): return .tensor(g.iota(Shape(count), as: .i64))
    case ("Reshape", .tensor(let x), .extents(let shape), nil): return .tensor(x.reshape(Shape(shape)))
    case ("Tanh", .tensor(let x), nil, nil): return .tensor(tanh(x))
    case ("Cast", .tensor(let x), nil, nil):
      if let type = call.attributes["to"].flatMap(ElementType.init(onnx:)) { return .tensor(x.cast(to: type)) }
    case ("Where", .tensor(let condition), .tensor(let x), let other?):
      if let y = scalar(other, like: x) { return .tensor(select(condition, x, y)) }
    case (let name, .tensor(let x), let other?, nil):
      if let function = binary[name], let y = scalar(other, like: x) { return .tensor(function(x, y)) }
    default: break
    }
    throw HeedError("got the call \(call), expected an operator that these cases use")
  }
}

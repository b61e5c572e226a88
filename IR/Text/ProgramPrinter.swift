extension Program: CustomStringConvertible {
  /// The program as text that parses to the same program, except for names made unique. One that is not well formed prints as well
  /// as it can.
  public var text: String {
    var lines = ["program @\(name.quotedWhereNeeded) {"]
    var names = PrintedNames()
    let bufferNames = buffers.map { names.next($0.name) }
    let kernelNames = uniqueKernelNames
    func line(_ text: String, depth: Int = 1) { lines.append(String(repeating: "  ", count: depth) + text) }
    func bufferName(_ buffer: Int) -> String { bufferNames.indices.contains(buffer) ? bufferNames[buffer] : "%buffer.\(buffer)" }
    func callText(_ call: Call) -> String {
      let operands = call.operands.map { bufferName($0.buffer) + ($0.offset == 0 ? "" : " + \($0.offset)") }
      let isKnown = kernels.indices.contains(call.kernel)
      var text =
        "call @\(isKnown ? kernelNames[call.kernel].quotedWhereNeeded : "kernel.\(call.kernel)")(\(operands.joined(separator: ", ")))"
      if isKnown, !call.symbols.isEmpty {
        text += " {" + zip(kernels[call.kernel].symbols, call.symbols).map { "\($0) = \($1)" }.joined(separator: ", ") + "}"
      }
      if let op = call.op { text += " for \(op)" }
      return call.cost == Cost(flops: 0, bytes: 0) ? text : text + " flops \(call.cost.flops) bytes \(call.cost.bytes)"
    }
    func list(_ blocks: [Block], _ calls: [Call], depth: Int) {
      for block in blocks {
        switch block {
        case .call(let step): line(callText(calls[step]), depth: depth)
        case .loop(let number, let inner):
          line("\(loops[number].text) {", depth: depth)
          list(inner, calls, depth: depth + 1)
          line("}", depth: depth)
        }
      }
    }
    func list(_ keyword: String, _ blocks: [Block], _ calls: [Call]) {
      guard !calls.isEmpty else { return }
      line("\(keyword) {")
      list(blocks, calls, depth: 2)
      line("}")
    }

    for (buffer, name) in zip(buffers, bufferNames) { line("\(buffer.storage.text) \(name): \(buffer.type)\(buffer.value)") }
    if !facts.isEmpty { line("facts (\(facts.map(\.description).joined(separator: ", ")))") }
    for check in checks {
      switch check {
      case .offsets(let buffer, let total): line("check offsets(\(bufferName(buffer)), \(total))")
      case .indices(let buffer, let limit): line("check indices(\(bufferName(buffer)), \(limit))")
      case .range(let start, let stop, let extent): line("check range(\(start), \(stop), \(extent))")
      }
    }
    list("load", load.indices.map(Block.call), load)
    list("steps", mistakeInLoops() == nil ? blocks : steps.indices.map(Block.call), steps)
    if !results.isEmpty {
      line("return " + results.map { "\(bufferName($0.buffer)) as %\($0.name.quotedWhereNeeded)" }.joined(separator: ", "))
    }
    for (kernel, name) in zip(kernels, kernelNames) {
      var named = kernel
      named.name = name
      for text in named.text.split(separator: "\n", omittingEmptySubsequences: false) { line(String(text)) }
    }
    lines.append("}")
    return lines.joined(separator: "\n")
  }

  /// The same as `text`.
  public var description: String { text }

  /// The kernels' names with suffixes where two are equal.
  private var uniqueKernelNames: [Name] {
    var taken: Set<Name> = []
    return kernels.map { kernel in
      var name = kernel.name
      var count = 0
      while !taken.insert(name).inserted {
        count += 1
        name = Name("\(kernel.name).\(count)")
      }
      return name
    }
  }
}

extension Program.Loop {
  /// `loop %t below T limit N - 4*s reversed`
  fileprivate var text: String {
    "loop %\(symbol.quotedWhereNeeded) below \(end)" + (limit.map { " limit \($0)" } ?? "") + (isReversed ? " reversed" : "")
  }
}

extension Program.Buffer {
  /// What follows the type.
  fileprivate var value: String {
    guard case .constant(let list) = storage else { return "" }
    return " = [\(list.values.map { ($0.converted(to: type.element) ?? $0).text(as: type.element) }.joined(separator: ", "))]"
  }
}

extension Program.Buffer.Storage {
  /// The words that buffers are declared with.
  enum Keyword: String, CaseIterable {
    case input, parameter, state, packed, constant, slot, result
  }

  /// What stands before the buffer's name.
  fileprivate var text: String {
    switch self {
    case .input: Keyword.input.rawValue
    case .parameter: Keyword.parameter.rawValue
    case .state: Keyword.state.rawValue
    case .constant: Keyword.constant.rawValue
    case .packed: Keyword.packed.rawValue
    case .slot(let slot): "\(Keyword.slot.rawValue) \(slot)"
    case .result: Keyword.result.rawValue
    }
  }
}

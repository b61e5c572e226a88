extension Graph {
  /// The value as a message to the user names it: `%scores`, `the contract at Model.swift:21`, or `the contract of %x and %weight`
  /// where no place is known.
  package func label(_ value: ValueID) -> String {
    let name = name(value)
    if !name.isNone { return "%\(name)" }
    guard let node = definingNode(value) else { return "an argument" }
    // A reader knows a tensor by what it is made of, not by how it is arranged; a slice is less than that.
    if op(node).has(.view), op(node) != .slice || place(value) == nil, let source = nearestLabel(operands(node).first!) {
      return source
    }
    if let place = place(value) { return "the \(writtenName(node)) at \(place.short)" }
    let what = Self.fusedNames[op(node)] ?? op(node).mnemonic
    var sources: [String] = []
    for operand in operands(node) {
      guard let source = nearestLabel(operand), !sources.contains(source) else { continue }
      sources.append(source)
    }
    return "the \(what)\(sources.isEmpty ? "" : " of \(sources.prefix(2).joined(separator: " and "))")"
  }

  /// What ops that only passes make are for a user.
  private static let fusedNames: [Op: String] = [.linear: "product", .map: "elementwise computation"]

  /// The label of `value` with what its op does, named or not: `the topK %best`, `the topK at Model.swift:10`.
  package func description(of value: ValueID) -> String {
    guard !name(value).isNone, let node = definingNode(value) else { return label(value) }
    return "the \(place(value) == nil ? op(node).mnemonic : writtenName(node)) \(label(value))"
  }

  /// What the op of a node is called where the source is Swift: `product`, `sum`, `topK`.
  private func writtenName(_ node: NodeID) -> String {
    let op = op(node)
    if op == .reduce { return Self.reductionNames[attributes(node).required(.kind)]! }
    if let name = Self.fusedNames[op] ?? Self.writtenNames[op] { return name }
    let words = op.mnemonic.split(separator: "_")
    return words[0] + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  /// What ops that the language names otherwise are called there.
  private static let writtenNames: [Op: String] = [.contract: "product", .convert: "cast", .iota: "index"]
  private static let reductionNames: [Reduction: String] = [
    .add: "sum", .multiply: "product", .minimum: "minimum", .maximum: "maximum", .and: "all", .or: "any",
  ]

  /// The label of `value`, or of the nearest of the values that it is made from that has a name or a place, if that is near.
  private func nearestLabel(_ value: ValueID) -> String? {
    var (pending, seen): ([ValueID], Set<ValueID>) = ([value], [])
    while seen.count < 64, let next = pending.popLast() {
      guard seen.insert(next).inserted else { continue }
      if !name(next).isNone || place(next) != nil { return label(next) }
      if let node = definingNode(next) { pending += operands(node).reversed() }
    }
    return nil
  }
}

extension SourceLocation {
  /// The file's name without its folders, and the line: `Model.swift:21`.
  public var short: String { "\(file.split(separator: "/").last ?? ""):\(line)" }
}

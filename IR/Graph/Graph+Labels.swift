extension Graph {
  /// The value as a message to the user names it: `%scores`, `the contract at Model.swift:21`, or `the contract of %x and %weight`
  /// where no place is known.
  package func label(_ value: ValueID) -> String {
    let name = name(value)
    if !name.isNone { return "%\(name)" }
    guard let node = definingNode(value) else { return "an argument" }
    // A reader knows a tensor by what it is made of, not by how it is arranged.
    if op(node).has(.view), let source = nearestLabel(operands(node).first!) { return source }
    let what = Self.fusedNames[op(node)] ?? op(node).mnemonic
    if let place = place(value) { return "the \(what) at \(place.short)" }
    var sources: [String] = []
    for operand in operands(node) {
      guard let source = nearestLabel(operand), !sources.contains(source) else { continue }
      sources.append(source)
    }
    return "the \(what)\(sources.isEmpty ? "" : " of \(sources.prefix(2).joined(separator: " and "))")"
  }

  /// What ops that only passes make are for a user.
  private static let fusedNames: [Op: String] = [.linear: "product", .map: "elementwise computation"]

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

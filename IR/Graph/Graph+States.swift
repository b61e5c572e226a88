/// States: arguments that a call reads and replaces.
extension Graph {
  /// What replaces a state when a call ends.
  public struct Update: Hashable, Sendable {
    /// The argument.
    public let state: ValueID
    /// The value that a later call reads in its place.
    public let value: ValueID
  }

  /// What replaces the states, in the order of the results. A result that has the name of a state is its update; so passes keep updates
  /// as they keep the other results. Within the call every use of a state is of what it held before.
  public var updates: [Update] {
    let states = stateNames
    return zip(results, resultNames).compactMap { value, name in states[name].map { Update(state: $0, value: value) } }
  }

  /// The number of results that a call returns. Updates follow them.
  public var returnedCount: Int {
    let states = stateNames
    return states.isEmpty ? results.count : resultNames.count { states[$0] == nil }
  }

  /// The states by name.
  var stateNames: [Name: ValueID] {
    let states = arguments.filter { $0.role == .state }
    return Dictionary(states.map { (name($0.value), $0.value) }, uniquingKeysWith: { first, _ in first })
  }

  /// - Throws: where an update is not of the state's type or is a second one; where what fills a state is not a number of its type.
  func verifyUpdates() throws {
    for argument in arguments {
      guard let initial = argument.initial else { continue }
      guard argument.role == .state, initial.converted(to: type(argument.value).element) == initial else {
        throw HeedError("%\(name(argument.value)): got \(initial) to begin with, expected a state of numbers like it")
      }
    }
    let updates = updates
    for (position, update) in updates.enumerated() {
      let (name, type) = (name(update.state), type(update.state))
      guard !updates[..<position].contains(where: { $0.state == update.state }) else {
        throw HeedError("got two updates of %\(name.quotedWhereNeeded), expected one")
      }
      let new = self.type(update.value)
      guard new.element == type.element, new.rank == type.rank,
        zip(new.shape.extents, type.shape.extents).allSatisfy({ $0.isEqual(to: $1, given: facts) })
      else {
        throw HeedError(
          "got an update of %\(name.quotedWhereNeeded) of type \(new), expected the state's type \(type)", at: place(update.value))
      }
    }
  }
}

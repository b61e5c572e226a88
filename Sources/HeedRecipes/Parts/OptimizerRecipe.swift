internal import HeedDSL
internal import HeedIR

/// `optimizer`: a name, or `kind` and the numbers of its type.
enum OptimizerRecipe {
  private static let kinds: [(name: String, value: @Sendable (Numbers) throws -> any Optimizer)] = [
    (
      "SGD",
      { numbers in
        let usual = SGD()
        return SGD(
          momentum: try numbers.share("momentum", usual.momentum), isNesterov: try numbers.bool("nesterov", usual.isNesterov),
          weightDecay: try numbers.number("weight_decay", usual.weightDecay))
      }
    ),
    (
      "AdamW",
      { numbers in
        let usual = AdamW()
        return AdamW(
          beta1: try numbers.share("beta1", usual.beta1), beta2: try numbers.share("beta2", usual.beta2),
          epsilon: try numbers.number("epsilon", usual.epsilon), weightDecay: try numbers.number("weight_decay", usual.weightDecay))
      }
    ),
    (
      "Lion",
      { numbers in
        let usual = Lion()
        return Lion(
          beta1: try numbers.share("beta1", usual.beta1), beta2: try numbers.share("beta2", usual.beta2),
          weightDecay: try numbers.number("weight_decay", usual.weightDecay))
      }
    ),
    (
      "Adafactor",
      { numbers in
        let usual = Adafactor()
        return Adafactor(
          leastScale: try numbers.number("least_scale", usual.leastScale),
          threshold: try numbers.number("threshold", usual.threshold),
          weightDecay: try numbers.number("weight_decay", usual.weightDecay))
      }
    ),
  ]

  static func read(_ value: RecipeValue) throws -> any Optimizer {
    let members = value.isMapping ? try value.members("") : []
    let kind = try members.first { try $0.key.text() == "kind" }?.value
    guard !value.isMapping || kind != nil else { throw value.error("got no kind, expected the name of an optimizer") }
    let make = try (kind ?? value).choice(kinds)
    let numbers = Numbers(try Dictionary(members.map { (try $0.key.text(), $0.value) }, uniquingKeysWith: { first, _ in first }))
    let optimizer = try make(numbers)
    for (key, _) in members where !numbers.known.contains(try key.text()) {
      throw key.error("got the key '\(try key.text())', expected one of \(numbers.known.joined(separator: ", "))")
    }
    return optimizer
  }

  /// The numbers of an optimiser, which knows the keys that were asked for.
  private final class Numbers {
    private let values: [String: RecipeValue]
    private(set) var known = ["kind"]

    init(_ values: [String: RecipeValue]) { self.values = values }

    private func value(_ key: String) -> RecipeValue? {
      known.append(key)
      return values[key]
    }

    /// A number of at least 0.
    func number(_ key: String, _ usual: Double) throws -> Double {
      try value(key)?.number(0..., "a number of at least 0") ?? usual
    }

    /// A number from 0 to below 1.
    func share(_ key: String, _ usual: Double) throws -> Double {
      try value(key)?.number(0..<1, "a number from 0 to below 1") ?? usual
    }

    func bool(_ key: String, _ usual: Bool) throws -> Bool { try value(key)?.bool() ?? usual }
  }
}

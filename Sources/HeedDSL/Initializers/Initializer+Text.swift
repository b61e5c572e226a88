import HeedIR

extension Initializer: CustomStringConvertible {
  /// The form that `init(parsing:)` reads: `normal(mean: 0.0, deviation: 0.02)`.
  public var description: String {
    let numbers = numbers.map { "\($0.name): \($0.value)" } + (fan.map { ["fan: \($0.rawValue)"] } ?? [])
    return numbers.isEmpty ? name : "\(name)(\(numbers.joined(separator: ", ")))"
  }

  /// The name: `kaimingUniform`.
  public var name: String {
    switch self {
    case .zeros: "zeros"
    case .ones: "ones"
    case .constant: "constant"
    case .normal: "normal"
    case .truncatedNormal: "truncatedNormal"
    case .uniform: "uniform"
    case .xavierUniform: "xavierUniform"
    case .xavierNormal: "xavierNormal"
    case .kaimingUniform: "kaimingUniform"
    case .kaimingNormal: "kaimingNormal"
    case .orthogonal: "orthogonal"
    }
  }

  private var numbers: [(name: String, value: Double)] {
    switch self {
    case .zeros, .ones: []
    case .constant(let value): [("value", value)]
    case .normal(let mean, let deviation), .truncatedNormal(let mean, let deviation): [("mean", mean), ("deviation", deviation)]
    case .uniform(let low, let high): [("low", low), ("high", high)]
    case .xavierUniform(let gain), .xavierNormal(let gain), .orthogonal(let gain): [("gain", gain)]
    case .kaimingUniform(let gain, _), .kaimingNormal(let gain, _): [("gain", gain)]
    }
  }

  private var fan: Fan? {
    switch self {
    case .kaimingUniform(_, let fan), .kaimingNormal(_, let fan): fan
    default: nil
    }
  }

  /// One of each kind, with its defaults.
  private static let all: [Initializer] = [
    .zeros, .ones, .constant(0), .normal(), .truncatedNormal(), .uniform(), .xavierUniform(), .xavierNormal(), .kaimingUniform(),
    .kaimingNormal(), .orthogonal(),
  ]

  /// The initialiser that `text` names, with what is not said at its default: `zeros`, `normal(deviation: 0.02)`, `kaimingNormal(fan:
  /// outputs)`.
  /// - Throws: where there is none of that name, or it does not take what is in parentheses.
  public init(parsing text: String) throws {
    let parts = text.split(separator: "(", maxSplits: 1, omittingEmptySubsequences: false)
    let name = parts[0].drop { $0 == " " }.prefix { $0 != " " }
    guard let known = Self.all.first(where: { $0.name == name }) else {
      throw HeedError("got the initializer '\(text)', expected one of \(Self.all.map(\.name).joined(separator: ", "))")
    }
    var numbers = Dictionary(uniqueKeysWithValues: known.numbers.map { ($0.name, $0.value) })
    var fan = known.fan
    var rest = parts.count < 2 ? "" : parts[1]
    while rest.last == " " { rest.removeLast() }
    guard parts.count < 2 || rest.last == ")" else {
      throw HeedError("got the initializer '\(text)', expected a closing parenthesis at its end")
    }
    for field in rest.dropLast().split(separator: ",") {
      let sides = field.split(separator: ":").map { $0.filter { $0 != " " } }
      if sides.count == 2, numbers[sides[0]] != nil, let value = Double(sides[1]), value.isFinite {
        numbers[sides[0]] = value
      } else if sides.count == 2, sides[0] == "fan", fan != nil, let side = Fan(rawValue: sides[1]) {
        fan = side
      } else {
        throw HeedError("got '\(field)' in the initializer '\(text)', expected the form of '\(known)'")
      }
    }
    func number(_ name: String) -> Double { numbers[name]! }
    self =
      switch known {
      case .zeros, .ones: known
      case .constant: .constant(number("value"))
      case .normal: .normal(mean: number("mean"), deviation: number("deviation"))
      case .truncatedNormal: .truncatedNormal(mean: number("mean"), deviation: number("deviation"))
      case .uniform: .uniform(low: number("low"), high: number("high"))
      case .xavierUniform: .xavierUniform(gain: number("gain"))
      case .xavierNormal: .xavierNormal(gain: number("gain"))
      case .kaimingUniform: .kaimingUniform(gain: number("gain"), fan: fan!)
      case .kaimingNormal: .kaimingNormal(gain: number("gain"), fan: fan!)
      case .orthogonal: .orthogonal(gain: number("gain"))
      }
  }
}

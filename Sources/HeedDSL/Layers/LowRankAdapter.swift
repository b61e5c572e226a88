internal import HeedIR

/// A change of a linear map that has few numbers: `scale * (x down^T) up^T`, added to what the map returns.
///
/// It stands for a change of the weight, `scale * up down`, of a rank that is small against its sizes. Training it in place of the weight
/// needs neither the weight's gradient nor moments of its size. `up` is 0 before training, so the map is what it was.
/// Parameters: `name.adapter.down [rank, inputs]`, `name.adapter.up [outputs, rank]`.
///
/// Source: Hu and others, "LoRA: low-rank adaptation of large language models" (2021).
public struct LowRankAdapter {
  /// The map to the rank, `[rank, inputs]`.
  public let down: Tensor
  /// The map from the rank, `[outputs, rank]`.
  public let up: Tensor
  /// What the change is multiplied by.
  public let scale: Double

  /// A change by given tensors.
  public init(down: Tensor, up: Tensor, scale: Double) { (self.down, self.up, self.scale) = (down, up, scale) }

  /// A change of the linear map `name` by parameters.
  init(_ name: String, in g: GraphBuilder, inputs: Int, outputs: Int, as form: LowRankAdaptation, element: ElementType) {
    let names = LowRankAdaptation.names(of: "")
    scale = form.scale
    (down, up) = g.scope(name) {
      (
        g.initialize(g.parameter(names.down, element, [Extent(form.rank), Extent(inputs)]), .linearWeight),
        g.initialize(g.parameter(names.up, element, [Extent(outputs), Extent(form.rank)]), .zeros)
      )
    }
  }

  /// What is added to the result of the map: `[..., inputs]` to `[..., outputs]`.
  public func callAsFunction(_ x: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    x.builder.located(file, line) { Linear(weight: up)(Linear(weight: down)(x)) * scale }
  }
}

/// Which linear maps have low-rank adapters, and of which rank.
///
/// ```swift
/// let lora = LowRankAdaptation(of: ["*.query", "*.value"], rank: 8)
/// let step = try Graph(building: "step") { g in
///   let loss = g.adapting(lora) { loss(of: model(g)) }
///   g.minimize(loss, by: AdamW(), learningRate: 1e-3, parameters: g.adapters)
///   return loss
/// }
/// ```
public struct LowRankAdaptation: Hashable, Sendable {
  /// Patterns of the names of linear maps, `encoder.layer.0.attention.self.query`.
  public var maps: [NamePattern]
  /// The rank of the change of a weight.
  public var rank: Int
  /// The rank times what changes are multiplied by.
  public var alpha: Double

  /// Adapters of linear maps whose names fit a pattern.
  /// - Parameter alpha: the rank times what changes are multiplied by; unless given, they are multiplied by 1.
  public init(of maps: [NamePattern], rank: Int, alpha: Double? = nil) {
    (self.maps, self.rank, self.alpha) = (maps, rank, alpha ?? Double(rank))
  }

  /// What changes are multiplied by.
  public var scale: Double { alpha / Double(rank) }

  /// The names of the parameters of a map's adapter.
  package static func names(of map: String) -> (down: String, up: String) {
    let start = map.isEmpty ? "adapter." : map + ".adapter."
    return (start + "down", start + "up")
  }
}

extension GraphBuilder {
  /// Runs `body`, in which linear maps whose names fit get low-rank adapters: those made by `Linear(_:in:inputs:outputs:)`, alone or in other
  /// layers. Their weights stay parameters; `adapters` is what training changes.
  ///
  /// A pattern that fits none of the maps of `body` is a mistake.
  public func adapting<Result>(
    _ adaptation: LowRankAdaptation, file: String = #filePath, line: Int = #line, _ body: () throws -> Result
  ) rethrows -> Result {
    let site = CallSite(file, line)
    let isValid =
      expect(adaptation.rank > 0, "adapting: got the rank \(adaptation.rank), expected at least 1", site)
      && expect(adaptation.alpha.isFinite, "adapting: got alpha \(adaptation.alpha), expected a finite number", site)
      && expect(!adaptation.maps.isEmpty, "adapting: got no pattern of names, expected at least one", site)
    guard isValid else { return try body() }
    let outer = adapting
    adapting = Adapting(form: adaptation)
    defer { adapting = outer }
    let result = try body()
    let names = adapting!.names
    if let stray = adaptation.maps.first(where: { pattern in !names.contains(where: pattern.matches) }) {
      let known = names.isEmpty ? "linear maps" : "one that fits some of \(names.prefix(8).joined(separator: ", "))"
      fail("adapting: got the pattern '\(stray)', expected \(known)", site)
    }
    return result
  }

  /// The parameters of the low-rank adapters so far, in the order in which they were made.
  public var adapters: [Tensor] { parameters.filter { adapterNames.contains($0.name ?? "") } }

  /// The adapter of the linear map `name`, where it is to have one.
  func adapter(of name: String, inputs: Int, outputs: Int, element: ElementType) -> LowRankAdapter? {
    guard adapting != nil else { return nil }
    let full = scoped(name).text
    if !adapting!.names.contains(full) { adapting!.names.append(full) }
    guard adapting!.form.maps.contains(where: { $0.matches(full) }) else { return nil }
    let adapter = LowRankAdapter(name, in: self, inputs: inputs, outputs: outputs, as: adapting!.form, element: element)
    for tensor in [adapter.down, adapter.up] { adapterNames.insert(tensor.name ?? "") }
    return adapter
  }

  /// What `adapting` is at: which maps get adapters, and the names of all maps so far.
  struct Adapting {
    let form: LowRankAdaptation
    var names: [String] = []
  }
}

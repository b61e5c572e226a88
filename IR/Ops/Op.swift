/// An entry of the op table: everything that the compiler knows about one op, in the file that defines it.
///
/// Parser, printer, verifier, builder, interpreter and the passes are generic over the table. To add an op, write its file in
/// IR/Ops and name it in `Op.all`.
public final class Op: Sendable {
  /// The number and names of an op's operands.
  public enum Operands: Sendable {
    case named([String])
    /// At least a minimum, all in the same role.
    case variadic(String, minimum: Int)
    /// Some by name, then any number in the same role.
    case leading([String], rest: String)

    /// The least number of operands; in `leading`, the number of the named ones.
    public var minimum: Int {
      switch self {
      case .named(let names), .leading(let names, _): names.count
      case .variadic(_, let minimum): minimum
      }
    }
  }

  /// An attribute that the op takes.
  public struct AttributeSpecification: Sendable {
    /// What the attribute is called.
    public let key: Name
    /// The kind of its value.
    public let kind: AttributeValue.Kind
    /// What a word may be.
    public let words: [String]
    /// Whether every node has it.
    public let isRequired: Bool

    private init<Value>(_ key: AttributeKey<Value>, isRequired: Bool) {
      (self.key, kind, words, self.isRequired) = (key.name, Value.kind, Value.words, isRequired)
    }

    /// An attribute that must be there.
    public static func required<Value>(_ key: AttributeKey<Value>) -> Self { Self(key, isRequired: true) }
    /// An attribute that may be left out.
    public static func optional<Value>(_ key: AttributeKey<Value>) -> Self { Self(key, isRequired: false) }
  }

  /// A property of an op that passes and verifiers rely on.
  public enum Trait: Sendable {
    /// Acts on each element by itself, described by `scalar`; operands have the result's shape or are scalars.
    case elementwise
    /// The operands can be swapped.
    case commutative
    /// The result is the operand's elements in another arrangement, expressible by strides: no arithmetic.
    case view
    /// The writer states the result type; it cannot be inferred from the operands.
    case typedByResult
    /// Decomposes into simpler ops; kept whole because it has a name that people know.
    case composite
    /// Made by passes; decomposes into plain ops.
    case fused
    /// The operands after the named ones are tensors whose elements the regions read: each region's tables are these, in order.
    case capturesTables
    /// Runs a graph of its own: the node's body.
    case hasBody
    /// Acts on pairs of a query and a key, whose products are made into scores by the region `score` and masked by `where`.
    case scoresPairs
  }

  /// The name in text: `contract`.
  public let mnemonic: String
  /// The number and the names of the operands.
  public let operands: Operands
  /// The attributes that the op takes.
  public let attributes: [AttributeSpecification]
  /// The number and the names of the results.
  public let results: Results
  /// The keywords before the op's regions, in order: `score`, `where`. The empty keyword means none.
  public let regionKeywords: [String]
  /// How many of the op's regions every node has; those after them may be left out.
  public let requiredRegions: Int
  /// The op's properties.
  public let traits: Set<Trait>
  /// What the op does to scalars; non-nil exactly for elementwise ops.
  public let scalar: ScalarSemantics?

  private let infer: @Sendable (Inference) throws -> [TensorType]
  private let evaluation: @Sendable (Evaluation) throws -> [ReferenceArray]
  private let costFunction: @Sendable (CostQuery) -> Cost
  private let offsetsFunction: (@Sendable (CostQuery) -> SegmentOffsets?)?
  private let decomposition: (@Sendable (inout Decomposition) throws -> [ValueID])?
  /// How the op is differentiated; nil where it has no derivative.
  public let derivative: Derivative?

  /// An operand that holds segment offsets: numbers that start at 0, never fall and end at `rows`. Checked when the op is run.
  public struct SegmentOffsets: Hashable, Sendable {
    /// The operand's position.
    public var operand: Int
    /// What the last offset must be.
    public var rows: Extent

    /// The operand at this position, whose offsets end at `rows`.
    public init(operand: Int, rows: Extent) { (self.operand, self.rows) = (operand, rows) }
  }

  /// - Parameters:
  ///   - results: the results' names; by default the one `output`.
  ///   - optionalRegions: the keywords of regions that follow those that every node has, and may be left out.
  ///   - infer: the result types, or an error that says what is wrong with the operands.
  ///   - evaluate: the op's definition: plain loops in double precision and 64-bit integers.
  ///   - cost: operations and bytes; by default one operation per result element.
  ///   - offsets: the operand that holds segment offsets, if there is one.
  ///   - decompose: the same result by simpler ops.
  ///   - derivative: how the op is differentiated; by default by the rule of `scalar`.
  public init(
    _ mnemonic: String, operands: Operands, attributes: [AttributeSpecification] = [],
    results: Results = .named([.always(.output)]), regions: [String] = [], optionalRegions: [String] = [],
    traits: Set<Trait> = [], scalar: ScalarSemantics? = nil,
    infer: @escaping @Sendable (Inference) throws -> [TensorType],
    evaluate: @escaping @Sendable (Evaluation) throws -> [ReferenceArray],
    cost: @escaping @Sendable (CostQuery) -> Cost = { $0.oneOperationPerElement },
    offsets: (@Sendable (CostQuery) -> SegmentOffsets?)? = nil,
    decompose: (@Sendable (inout Decomposition) throws -> [ValueID])? = nil, derivative: Derivative? = nil
  ) {
    self.mnemonic = mnemonic
    self.operands = operands
    self.attributes = attributes
    self.results = results
    (regionKeywords, requiredRegions) = (regions + optionalRegions, regions.count)
    self.traits = traits
    self.scalar = scalar
    self.infer = infer
    evaluation = evaluate
    costFunction = cost
    offsetsFunction = offsets
    decomposition = decompose
    self.derivative = derivative ?? scalar?.derivative.map(Derivative.elementwise)
  }

  /// Whether the op has this property.
  public func has(_ trait: Trait) -> Bool { traits.contains(trait) }

  /// The result types of the op on these operands; checks their number, the attributes and the regions first.
  /// - Throws: one line that names the op, what it got and what it expected.
  public func resultTypes(of inference: Inference) throws -> [TensorType] {
    do {
      try inference.checkForm()
      let types = try infer(inference)
      if let names = resultNames(inference.attributes) { precondition(types.count == names.count, "results of \(mnemonic)") }
      if let stated = inference.stated, stated != types {
        throw HeedError("got result type \(list(stated)), expected \(list(types))")
      }
      return types
    } catch let error as HeedError {
      throw error.during(mnemonic)
    }
  }

  private func list(_ types: [TensorType]) -> String { types.map(\.description).joined(separator: ", ") }

  /// The op's results by its definition.
  public func evaluate(_ evaluation: Evaluation) throws -> [ReferenceArray] { try self.evaluation(evaluation) }

  /// Operations and bytes of a node.
  public func cost(_ query: CostQuery) -> Cost { costFunction(query) }

  /// The operand that holds segment offsets, with what they must end at, if there is one.
  public func segmentOffsets(_ query: CostQuery) -> SegmentOffsets? { offsetsFunction?(query) }

  /// Whether the op has a decomposition into simpler ops.
  public var canDecompose: Bool { decomposition != nil }

  /// Appends simpler ops that compute the op's results, and returns those.
  public func decompose(_ context: inout Decomposition) throws -> [ValueID] {
    guard let decomposition else { preconditionFailure("\(mnemonic) has no decomposition") }
    return try decomposition(&context)
  }
}

extension Op {
  private static let byMnemonic: [Name: Op] = Dictionary(uniqueKeysWithValues: all.map { (Name($0.mnemonic), $0) })

  /// The op called `mnemonic`, or nil.
  public static func named(_ mnemonic: some StringProtocol) -> Op? { byMnemonic[Name(mnemonic)] }
}

/// An op is itself alone: `graph.op(node) == .attention`, `case .elementwise(.add)`.
extension Op: Hashable {
  /// Whether both are one entry of the table.
  public static func == (left: Op, right: Op) -> Bool { left === right }

  /// Hashes the op's identity.
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

extension Op: CustomStringConvertible {
  /// The mnemonic.
  public var description: String { mnemonic }
}

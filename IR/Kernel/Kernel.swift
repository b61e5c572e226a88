internal import OrderedCollections

/// A kernel: a program over tiles. Tiles have constant shapes, buffers have extents that a call binds.
///
/// A kernel has buffers and phases. A phase runs its body once for every point of its parallel domain, in any order and on any
/// thread, with scratch tiles of its own. A phase ends before the next begins. Inside a body, statements run in order.
///
/// Within a phase, every element of an output or workspace is written by one point of the domain only, so results do not depend on
/// threads.
public struct Kernel: Hashable, Sendable {
  /// What the kernel is called.
  public var name: Name
  /// Parameters first, in the order in which a call passes them, then workspaces.
  public var buffers: [Buffer]
  /// The phases, in the order in which they run.
  public var phases: [Phase] = []
  /// The names of the loop variables and `let`s, by id.
  public var variables: [Name] = []
  /// Symbols that the kernel mentions though no buffer's shape or stride does.
  public var additionalSymbols: [Name] = []

  /// A kernel of these buffers, without phases yet.
  public init(name: Name, buffers: [Buffer]) { (self.name, self.buffers) = (name, buffers) }

  /// Memory that a kernel works on.
  public struct Buffer: Hashable, Sendable {
    /// Whether a kernel reads or writes the buffer.
    public enum Role: String, Hashable, Sendable, CaseIterable {
      case input, output
      /// Read and written.
      case readWrite = "inout"
      /// Provided by the runtime for the time of the call; its contents before the first write are undefined.
      case workspace
    }

    /// The name in text.
    public var name: Name
    /// Whether the buffer is read, written or both.
    public var role: Role
    /// The element type and the shape; extents may mention symbols.
    public var type: TensorType
    /// Strides in elements; nil for row-major order without gaps.
    public var strides: Shape?

    /// A buffer of this name, role and type.
    public init(_ name: Name, _ role: Role, _ type: TensorType, strides: Shape? = nil) {
      (self.name, self.role, self.type, self.strides) = (name, role, type, strides)
    }

    /// The strides in elements, stated or row-major.
    public var effectiveStrides: [Extent] { strides?.extents ?? type.shape.rowMajorStrides }
  }

  /// A body that runs once for every point of a parallel domain.
  public struct Phase: Hashable, Sendable {
    /// The name in text.
    public var name: Name
    /// The parallel domain; the last variable varies fastest. Extents may read buffers that an earlier phase or kernel wrote.
    public var domain: [Dimension]
    /// Where it is false no point runs, and the domain's extents are not evaluated; nil for always. It may read what extents may.
    public var condition: IntegerExpression?
    /// What runs for one point of the domain, in order.
    public var body: [Statement]

    /// A phase of this name, domain and body.
    public init(name: Name, domain: [Dimension], condition: IntegerExpression? = nil, body: [Statement]) {
      (self.name, self.domain, self.condition, self.body) = (name, domain, condition, body)
    }
  }

  /// What a call binds: the symbols of the buffers' shapes and strides, in order of appearance, then the additional ones.
  public var symbols: [Name] {
    let ofBuffers = buffers.flatMap { $0.type.shape.extents + ($0.strides?.extents ?? []) }.symbols
    return OrderedSet(ofBuffers).union(additionalSymbols).elements
  }

  /// The buffers that a call passes: all but the workspaces.
  public var parameters: ArraySlice<Buffer> { buffers.prefix { $0.role != .workspace } }

  /// Adds a name for a loop variable or a `let`.
  public mutating func addVariable(_ name: Name) -> VariableID {
    variables.append(name)
    return VariableID(variables.count - 1)
  }
}

/// A loop variable, domain variable or `let` of a kernel.
public struct VariableID: Hashable, Sendable {
  /// The position in `Kernel.variables`.
  public let index: Int
  /// The variable at this position.
  public init(_ index: Int) { self.index = index }
}

/// A variable that runs from 0 to below an extent; an extent below 0 counts as 0. Dimensions that are listed together form a box:
/// all their extents are known before any of their variables.
public struct Dimension: Hashable, Sendable {
  /// The variable.
  public var variable: VariableID
  /// The number of values that the variable takes.
  public var extent: IntegerExpression

  /// The variable over 0 ..< `extent`.
  public init(_ variable: VariableID, _ extent: IntegerExpression) { (self.variable, self.extent) = (variable, extent) }
}

/// Memory that a statement addresses: a buffer of the kernel by its position, or a tile or scalar by its number within the phase, counted
/// in textual order.
public enum Place: Hashable, Sendable {
  case buffer(Int)
  case tile(Int)
}

/// An element of a buffer or tile; without indices a scalar.
public struct Access: Hashable, Sendable {
  /// The place along one dimension.
  public struct Index: Hashable, Sendable {
    /// The number of the element along the dimension.
    public var expression: IntegerExpression
    /// Written `?`: the index may be outside. A load then has the fallback as its value; a store or accumulate does nothing.
    /// Every other index must be inside where the access happens; the verifier and the evaluator check what they can. Only loads,
    /// stores and accumulations of bodies have guards.
    public var isGuarded: Bool

    /// The index that the expression is the number of.
    public init(_ expression: IntegerExpression, isGuarded: Bool = false) {
      (self.expression, self.isGuarded) = (expression, isGuarded)
    }
  }

  /// The buffer or tile.
  public var place: Place
  /// One index per dimension, outermost first.
  public var indices: [Index]

  /// The element of `place` at these indices.
  public init(_ place: Place, _ indices: [Index]) { (self.place, self.indices) = (place, indices) }
  /// The element of `place` at these indices, none guarded.
  public init(_ place: Place, _ indices: IntegerExpression...) { self.init(place, indices.map { Index($0) }) }

  /// Whether an index is guarded.
  public var isGuarded: Bool { indices.contains { $0.isGuarded } }
}

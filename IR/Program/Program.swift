/// What runs: kernel calls over planned buffers.
///
/// A program is loaded once (parameters bound, `load` calls run: packing), then called any number of times with inputs of any
/// lengths. It holds no tensors itself but constants. `load` calls may also read states that no call writes: they run again where a call
/// is given other ones.
public struct Program: Hashable, Sendable {
  /// What the program is called: the graph's name.
  public var name: Name
  /// The buffers, arguments first in the graph's order.
  public var buffers: [Buffer] = []
  /// The kernels that the calls name; layers of the same shape share one.
  public var kernels: [Kernel] = []
  /// What the graph states about its extents: checked at each call.
  public var facts: [Fact] = []
  /// What a call's inputs must hold besides their shapes.
  public var checks: [Check] = []
  /// Run once, after the parameters are bound; those that need states which no call writes, when these have changed.
  public var load: [Call] = []
  /// Run at each call, in order.
  public var steps: [Call] = []
  /// Which of the steps run several times, in the order of their first steps, outer loops before those inside.
  public var loops: [Loop] = []
  /// What a call returns, in order; names are those of the graph's results.
  public var results: [Result] = []

  /// A program without buffers, kernels or calls.
  public init(name: Name) { self.name = name }

  /// Memory that kernel calls read and write, in row-major order.
  public struct Buffer: Hashable, Sendable {
    /// Where a buffer's memory comes from and how long it lives.
    public enum Storage: Hashable, Sendable {
      /// Passed at each call.
      case input
      /// Passed at load.
      case parameter
      /// Passed at each call, which may write it.
      case state
      /// The elements are in the program itself.
      case constant(LiteralList)
      /// Written by the `load` calls, kept from call to call. Its extents are constant.
      case packed
      /// Memory of one call. Buffers with the same slot are never live at once; a slot is as large as its largest buffer.
      case slot(Int)
      /// Memory that the call returns.
      case result
    }

    /// The name in text.
    public var name: Name
    /// The element type and the shape; extents may mention symbols.
    public var type: TensorType
    /// Where the memory comes from.
    public var storage: Storage

    /// A buffer of this name, type and storage.
    public init(_ name: Name, _ type: TensorType, _ storage: Storage) {
      (self.name, self.type, self.storage) = (name, type, storage)
    }
  }

  /// A condition on the numbers in an input or on extents, checked at each call before anything runs.
  public enum Check: Hashable, Sendable {
    /// The elements start at 0, never fall, and end at `total`: row offsets of a ragged batch.
    case offsets(buffer: Int, total: Extent)
    /// Every element is at least 0 and below `limit`: indices of rows.
    case indices(buffer: Int, limit: Extent)
    /// 0 <= start <= stop <= extent: what a slice takes of a dimension.
    case range(start: Extent, stop: Extent, extent: Extent)

    /// Whether the condition provably holds for all lengths.
    public var holdsAlways: Bool {
      guard case .range(let start, let stop, let extent) = self else { return false }
      return [start, stop - start, extent - stop].allSatisfy(\.isNeverNegative)
    }

    /// - Throws: where the extents' values break a condition on them.
    package func verifyExtents(_ binding: [Name: Int]) throws {
      guard case .range(let start, let stop, let extent) = self else { return }
      func value(_ extent: Extent) throws -> Int { try extent.evaluate { binding[$0] } }
      let (from, to, count) = (try value(start), try value(stop), try value(extent))
      guard 0 <= from, from <= to, to <= count else {
        let place = extent.constant == nil ? "\(extent) = \(count)" : "\(count)"
        throw HeedError("got the range \(from) ..< \(to) of a dimension of \(place), expected one inside 0 ..< \(count)")
      }
    }
  }

  /// An argument of a kernel call: a buffer from one of its elements on. The kernel's own declaration says how it is strided.
  public struct Operand: Hashable, Sendable {
    /// The position of the buffer in the program.
    public var buffer: Int
    /// In elements.
    public var offset: Extent

    /// The buffer from the element `offset` on.
    public init(buffer: Int, offset: Extent = 0) { (self.buffer, self.offset) = (buffer, offset) }
  }

  /// A call of a kernel.
  public struct Call: Hashable, Sendable {
    /// The position of the kernel in the program.
    public var kernel: Int
    /// One operand per parameter of the kernel, in order.
    public var operands: [Operand]
    /// The extents that the kernel's symbols stand for, in the order of `Kernel.symbols`.
    public var symbols: [Extent]
    /// The op of the graph that the call computes, or prepares; nil where there is none.
    public var op: Op?
    /// Floating-point operations and least bytes of the call, for traces and roofs.
    public var cost: Cost

    /// A call of the kernel at position `kernel`.
    public init(kernel: Int, operands: [Operand], symbols: [Extent], op: Op? = nil, cost: Cost = Cost(flops: 0, bytes: 0)) {
      (self.kernel, self.operands, self.symbols, self.op, self.cost) = (kernel, operands, symbols, op, cost)
    }
  }

  /// A value that a call returns. The buffer holds it in row-major order.
  public struct Result: Hashable, Sendable {
    /// The name that the result has in the graph.
    public var name: Name
    /// The position of the buffer in the program.
    public var buffer: Int

    /// A result of this name, held by the buffer at position `buffer`.
    public init(name: Name, buffer: Int) { (self.name, self.buffer) = (name, buffer) }
  }

  /// The number of slots.
  public var slotCount: Int {
    buffers.reduce(0) { if case .slot(let slot) = $1.storage { max($0, slot + 1) } else { $0 } }
  }

  /// The symbols that a call binds: those of the arguments' extents, in order of appearance.
  public var symbols: [Name] {
    buffers.filter(\.storage.isArgument).flatMap(\.type.shape.extents).symbols
  }
}

extension Program.Buffer.Storage {
  /// Whether a caller passes the memory, by name.
  package var isArgument: Bool {
    switch self {
    case .input, .parameter, .state: true
    case .constant, .packed, .slot, .result: false
    }
  }
}

extension Argument.Role {
  /// Where the memory of an argument comes from.
  package var storage: Program.Buffer.Storage {
    switch self {
    case .input: .input
    case .parameter: .parameter
    case .state: .state
    }
  }
}

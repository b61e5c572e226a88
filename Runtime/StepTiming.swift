public import HeedIR

/// How long one kernel call of a program took, and when.
public struct StepTiming: Hashable, Sendable {
  /// The kernel's name.
  public let kernel: Name
  /// The op that the call computes, or prepares; nil where there is none.
  public let op: Op?
  /// When it began, in seconds on the system's monotonic clock.
  public let start: Double
  /// Wall time, all phases together.
  public let seconds: Double
  /// Floating-point operations, as the call's graph ops count them.
  public let flops: Int
  /// The bytes that must be moved at least, as the call's graph ops count them; what is read repeatedly counts once.
  public let bytes: Int
  /// The kernel's parameters, at the lengths of the call.
  public let operands: [Operand]
  /// What each thread did of each phase, in the order in which they began.
  public let phases: [PhaseTiming]

  /// An array that a kernel works on.
  public struct Operand: Hashable, Sendable {
    /// The name of the kernel's parameter.
    public let name: Name
    /// The type of each element.
    public let element: ElementType
    /// The extents at this call, outermost first.
    public let shape: [Int]
  }
}

/// What one thread did of one phase of a kernel call.
public struct PhaseTiming: Hashable, Sendable {
  /// The phase's name.
  public let phase: Name
  /// The thread's name: `heed-1` and so on for those of a pool.
  public let thread: String
  /// When its first tile began, in seconds on the system's monotonic clock.
  public let start: Double
  /// From then to the end of its last tile.
  public let seconds: Double
  /// How many of the phase's tiles it ran.
  public let tiles: Int
}

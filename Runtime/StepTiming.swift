public import HeedIR

/// What one kernel call of a program took, and when.
public struct StepTiming: Hashable, Sendable {
  /// The kernel's name.
  public let kernel: Name
  /// The op that the call computes, or prepares; nil where there is none.
  public let op: Op?
  /// When it began, in seconds on the system's monotonic clock.
  public let start: Double
  /// Wall time, all phases together.
  public let seconds: Double
  /// Floating-point operations that the call's graph ops count.
  public let flops: Int
  /// Bytes that must move at least: those that the call's graph ops count, what is repeated counted once.
  public let bytes: Int
  /// The kernel's parameters, at the lengths of the call.
  public let operands: [Operand]
  /// What each thread did of each phase, in the order in which they began.
  public let phases: [PhaseTiming]

  /// An array that a kernel works on.
  public struct Operand: Hashable, Sendable {
    public let name: Name
    public let element: ElementType
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

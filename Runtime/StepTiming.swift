public import HeedIR

/// What one kernel call of a program took.
public struct StepTiming: Hashable, Sendable {
  /// The kernel's name.
  public let kernel: Name
  /// Wall time, all phases together.
  public let seconds: Double
  /// Floating-point operations that the call's graph ops count.
  public let flops: Int
  /// Bytes that must move at least.
  public let bytes: Int
}

/// IR that can be checked for being well formed.
public protocol Verifiable {
  /// Checks all of it.
  /// - Throws: the first thing that is wrong, in one line.
  func verify() throws
}

/// Proof that IR is well formed: making one calls `verify`. What lowers or compiles asks for this type.
public struct Verified<IR: Verifiable> {
  /// What was verified.
  public let ir: IR

  /// Verifies `ir`.
  /// - Throws: what `verify` finds.
  public init(_ ir: IR) throws {
    try ir.verify()
    self.ir = ir
  }

  /// What is part of verified IR.
  fileprivate init(known ir: IR) { self.ir = ir }
}

extension Verified where IR == Program {
  /// The program's kernels, which were verified with it.
  public var kernels: [Verified<Kernel>] { ir.kernels.map { Verified<Kernel>(known: $0) } }
}

extension Verified: Sendable where IR: Sendable {}

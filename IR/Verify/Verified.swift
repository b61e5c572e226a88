/// IR that can be checked for being well formed.
public protocol Verifiable {
  /// - Throws: the first thing that is wrong, in one line.
  func verify() throws
}

/// Proof that IR is well formed: only `verify` can make one. What lowers or compiles asks for this type.
public struct Verified<IR: Verifiable> {
  public let ir: IR

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

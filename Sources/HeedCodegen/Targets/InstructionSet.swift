package import HeedIR

/// Instructions that some processors have, and the operations that code generation emits with them.
///
/// A target has those instruction sets of `all` whose architecture and features are its own. They replace operations of
/// `TargetOperations.baseline` in the order of the list, so that a later one may build on an earlier one.
package struct InstructionSet: Sendable {
  /// The name in error messages and tests: `avx512`.
  package let name: String
  /// The processors that have the instructions; nil where LLVM knows them by one name on all processors.
  private let architecture: Target.Architecture?
  /// The features that a target must have.
  private let features: Set<Target.Feature>
  /// Replaces the operations for which there are better instructions.
  let replaceOperations: @Sendable (inout TargetOperations) -> Void

  init(
    _ name: String, on architecture: Target.Architecture? = nil, _ features: Set<Target.Feature>,
    replacing replaceOperations: @escaping @Sendable (inout TargetOperations) -> Void
  ) {
    (self.name, self.architecture, self.features, self.replaceOperations) = (name, architecture, features, replaceOperations)
  }

  /// Every instruction set, one file each.
  package static let all: [InstructionSet] = [.fma, .rounding, .avx512, .avx512BF16]

  /// The instruction sets that a target has, in the order of `all`.
  package static func of(_ target: Target) -> [InstructionSet] {
    all.filter { ($0.architecture ?? target.architecture) == target.architecture && $0.features.isSubset(of: target.features) }
  }
}

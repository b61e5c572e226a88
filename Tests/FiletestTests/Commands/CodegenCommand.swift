import HeedCodegen
import HeedIR
import HeedLowering
import HeedPasses
import HeedTestSupport

extension FiletestCommand {
  /// `// test codegen TARGET`, or `// test codegen TARGET llvm`: the case's kernels, or those of its graph after the standard
  /// passes, as assembly or as LLVM's text.
  ///
  /// Each header line `// check: TEXT` must be in the code, in that order; `// check-not: TEXT` nowhere.
  static let codegen = FiletestCommand(name: "codegen") { test, arguments, path in
    guard let name = arguments.first, let target = Target.all.first(where: { $0.name == name }) else {
      throw HeedError("got 'test codegen \(arguments.joined(separator: " "))', expected a target's name after it")
    }
    let compiler = KernelCompiler(target: target)
    let kernels = try kernels(test, path, target)
    let code = try arguments.dropFirst().first == "llvm" ? compiler.llvmText(for: kernels) : compiler.assembly(for: kernels)
    let checks = test.directives("check")
    guard !checks.isEmpty else { throw HeedError("got no line '// check: TEXT', expected at least one") }
    var rest = code[...]
    for check in checks {
      guard let found = rest.range(of: check) else {
        throw HeedError("no '\(check)' in the code\(rest.startIndex == code.startIndex ? "" : " after the checks before it")")
      }
      rest = rest[found.upperBound...]
    }
    for check in test.directives("check-not") where code.contains(check) { throw HeedError("got '\(check)' in the code") }
    return test
  }

  private static func kernels(_ test: Filetest.Case, _ path: String, _ target: Target) throws -> [Verified<Kernel>] {
    switch try IRText(test, path) {
    case .kernels(let kernels): return try kernels.map { try Verified($0) }
    case .programs(let programs): return try programs.flatMap { try Verified($0).ir.kernels.map { try Verified($0) } }
    case .graphs(let graphs):
      return try graphs.flatMap { graph in
        let outcome = try PassPipeline().run(graph, target: target)
        return try HeedLowering.lower(outcome.graph, for: target).program.kernels.map { try Verified($0) }
      }
    }
  }
}

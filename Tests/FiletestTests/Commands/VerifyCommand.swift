import HeedIR

extension FiletestCommand {
  /// `// test verify`: the IR parses and is well formed, or the error is the one that the header's `// error:` line says.
  static let verify = FiletestCommand(name: "verify") { test, _, path in
    switch try IRText(test, path) {
    case .graphs(let graphs): for graph in graphs { try graph.verify() }
    case .kernels(let kernels): for kernel in kernels { try kernel.verify() }
    case .programs(let programs): for program in programs { try program.verify() }
    }
    return test
  }
}

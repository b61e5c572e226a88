import ArgumentParser
import Heed
import HeedCodegen

/// `heed dump`: what a graph becomes.
struct DumpCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dump", abstract: "Prints what graphs become: the optimised graph, its program and kernels, LLVM IR or assembly.")

  @OptionGroup var source: GraphFile
  @OptionGroup var target: TargetOption
  @Option(help: "Print the graph after the last run of this pass of the pipeline.") var after: String?
  @Flag(help: "Print the program with its kernels.") var kernels = false
  @Flag(help: "Print the kernels as LLVM IR.") var llvm = false
  @Flag(help: "Print the kernels as assembly.") var asm = false

  func validate() throws {
    guard [after != nil, kernels, llvm, asm].filter({ $0 }).count <= 1 else {
      throw ValidationError("--after, --kernels, --llvm and --asm exclude each other")
    }
  }

  func run() throws {
    let texts = try (llvm || asm ? kernelCode() : nil) ?? graphTexts()
    try printLine(texts.map { $0.hasSuffix("\n") ? String($0.dropLast()) : $0 }.joined(separator: "\n\n"))
  }

  /// The code of a file of kernels; nil where it is one of graphs.
  private func kernelCode() throws -> [String]? {
    guard source.file != "-" else { return nil }
    let text = try GraphFile.text(source.file)
    var tokens = try TokenStream(text, file: source.file)
    guard tokens.advance().text == "kernel" else { return nil }
    let kernels = try Kernel.parse(text, file: source.file).map { try Verified($0) }
    let compiler = KernelCompiler(target: try target.value())
    return [try llvm ? compiler.llvmText(for: kernels) : compiler.assembly(for: kernels)]
  }

  private func graphTexts() throws -> [String] {
    var options = try target.compileOptions()
    if let after {
      let pass = try GraphPass.named(after)
      guard let last = options.pipeline.passes.lastIndex(where: { $0.name == pass.name }) else {
        throw HeedError("got the pass '\(after)', which the pipeline does not run")
      }
      options.pipeline.passes = Array(options.pipeline.passes[...last])
    }
    return try source.graphs().map { graph in
      guard kernels || llvm || asm else { return try graph.optimized(options).graph.ir.text }
      let lowered = try graph.lowered(options)
      if kernels { return lowered.program.text }
      return try llvm ? lowered.llvmText() : lowered.assembly()
    }
  }
}

import ArgumentParser
import Heed
import HeedCodegen

/// `heed version`: what this build is and what it uses.
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Prints the versions of Heed and LLVM, and the target that this machine is.")

  static let text = "heed 0.1.0"

  func run() throws {
    let host = Target.host
    try printLine(Self.text)
    try printLine(KernelCompiler.version)
    let features = host.llvmFeatures.isEmpty ? "" : ", features \(host.llvmFeatures)"
    try printLine("target \(host.name): \(host.triple), cpu \(host.cpu)\(features)")
    try printLine("vectors of \(host.vectorBits) bits, \(host.vectorRegisterCount) registers")
    let caches = host.caches
    try printLine("caches \(caches.level1 >> 10) KiB, \(caches.level2 >> 10) KiB, \(caches.level3 >> 10) KiB")
    try printLine("runs code for \(Target.all.filter(\.runsOnHost).map(\.name).joined(separator: ", "))")
    try printLine("threads \(try ThreadPool.defaultThreadCount())")
  }
}

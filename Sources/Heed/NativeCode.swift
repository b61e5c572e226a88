internal import Foundation
internal import HeedCodegen
internal import HeedIR
internal import HeedRuntime

/// The machine code of a program's kernels, linked into this process. It stays as long as this object.
final class NativeCode: @unchecked Sendable {
  private let loader: LLVMObjectLoader
  /// The code by kernel, in the program's order.
  let kernels: [KernelCode]

  /// Compiles the kernels that the cache does not have, several at a time, and links all.
  /// - Throws: where a kernel needs what the target or code generation lacks.
  convenience init(_ kernels: [Verified<Kernel>], target: Target, cache: ObjectCache) throws {
    let compiler = ObjectCompiler(target: target, cache: cache)
    do {
      try self.init(kernels, objects: compiler.objects(for: kernels, readingCache: true))
    } catch  where compiler.hits > 0 {
      // A kept object that does not link is of no use; were it not the cache's fault, the same error comes again.
      log.warning("an object of the cache does not link: compiling all again", metadata: ["error": "\(error)"])
      try self.init(kernels, objects: compiler.objects(for: kernels, readingCache: false))
    }
  }

  private init(_ kernels: [Verified<Kernel>], objects: [[UInt8]]) throws {
    let loader = try LLVMObjectLoader(objects: objects)
    self.kernels = try kernels.map { kernel in
      let phases = try kernel.ir.phases.map { phase in
        let symbols = PhaseSymbols(kernel: kernel.ir, phase: phase)
        return KernelCode.Phase(count: try loader.address(of: symbols.count), run: try loader.address(of: symbols.run))
      }
      return KernelCode(phases: phases, scratchByteCount: try kernel.ir.scratchByteCount())
    }
    self.loader = loader
  }
}

/// Makes one object a phase of a kernel, from the cache or anew.
private final class ObjectCompiler: Sendable {
  private let compiler: KernelCompiler
  private let cache: ObjectCache
  private let hitCount = Lock(0)

  init(target: Target, cache: ObjectCache) { (compiler, self.cache) = (KernelCompiler(target: target), cache) }

  /// How many objects came from the cache.
  var hits: Int { hitCount.withLock { $0 } }

  /// A phase of a kernel, and where its object is kept.
  private struct Unit {
    let kernel: Verified<Kernel>
    let phase: Int
    let key: String?
    var cost: Int { kernel.ir.phases[phase].compilationCost }
  }

  /// The objects of all phases of the kernels, in order.
  func objects(for kernels: [Verified<Kernel>], readingCache: Bool) throws -> [[UInt8]] {
    let units = kernels.flatMap { kernel in
      let key = key(for: kernel.ir)
      return kernel.ir.phases.indices.map { phase in Unit(kernel: kernel, phase: phase, key: key.map { "phase \(phase) of \($0)" })
      }
    }
    var objects = units.map { readingCache ? $0.key.flatMap(cache.load) : nil }
    hitCount.withLock { $0 += objects.count { $0 != nil } }
    // Several at a time, those that take longest first.
    let missing = units.indices.filter { objects[$0] == nil }.sorted { units[$0].cost > units[$1].cost }
    let compiled = Lock([Result<[UInt8], any Error>?](repeating: nil, count: missing.count))
    concurrentPerform(missing.count) { position in
      let object = Result { try self.compile(units[missing[position]]) }
      compiled.withLock { $0[position] = object }
    }
    for (position, object) in zip(missing, compiled.withLock { $0 }) { objects[position] = try object!.get() }
    return objects.map { $0! }
  }

  private func compile(_ unit: Unit) throws -> [UInt8] {
    let start = ContinuousClock.now
    let object = try compiler.object(for: unit.kernel, phase: unit.phase)
    let names = PhaseSymbols(kernel: unit.kernel.ir, phase: unit.kernel.ir.phases[unit.phase])
    log.debug(
      "compiled", metadata: ["phase": "\(names.run)", "bytes": "\(object.count)", "time": "\(ContinuousClock.now - start)"])
    if let key = unit.key { cache.store(object, key: key) }
    return object
  }

  /// What decides a kernel's objects, and no more: its text holds the schedule. Nil where it is not known which build of code generation
  /// this is.
  private func key(for kernel: Kernel) -> String? {
    guard cache.directory != nil, let build = BuildID.current else { return nil }
    let target = compiler.target
    return """
      heed \(build)
      \(KernelCompiler.version)
      abi \(KernelCode.abiVersion)
      target \(target.name) \(target.triple) \(target.cpu) \(target.llvmFeatures)
      \(kernel.text)
      """
  }
}

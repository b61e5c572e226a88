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

/// Makes one object a kernel, from the cache or anew.
private final class ObjectCompiler: Sendable {
  private let compiler: KernelCompiler
  private let cache: ObjectCache
  private let hitCount = Lock(0)

  init(target: Target, cache: ObjectCache) { (compiler, self.cache) = (KernelCompiler(target: target), cache) }

  /// How many objects came from the cache.
  var hits: Int { hitCount.withLock { $0 } }

  /// The kernels' objects, in order.
  func objects(for kernels: [Verified<Kernel>], readingCache: Bool) throws -> [[UInt8]] {
    let objects = Lock([Result<[UInt8], any Error>?](repeating: nil, count: kernels.count))
    DispatchQueue.concurrentPerform(iterations: kernels.count) { index in
      let object = Result { try self.object(for: kernels[index], readingCache: readingCache) }
      objects.withLock { $0[index] = object }
    }
    return try objects.withLock { $0 }.map { try $0!.get() }
  }

  private func object(for kernel: Verified<Kernel>, readingCache: Bool) throws -> [UInt8] {
    let key = key(for: kernel.ir)
    if readingCache, let key, let object = cache.load(key: key) {
      hitCount.withLock { $0 += 1 }
      return object
    }
    let start = ContinuousClock.now
    let object = try compiler.object(for: [kernel])
    log.debug(
      "compiled", metadata: ["kernel": "\(kernel.ir.name)", "bytes": "\(object.count)", "time": "\(ContinuousClock.now - start)"])
    if let key { cache.store(object, key: key) }
    return object
  }

  /// All that decides the object. Nil where it is not known which build of code generation this is.
  private func key(for kernel: Kernel) -> String? {
    guard cache.directory != nil, let build = BuildID.current else { return nil }
    let target = compiler.target
    return """
      heed \(build)
      \(KernelCompiler.version)
      abi \(KernelCode.abiVersion)
      target \(target.name) \(target.triple) \(target.cpu) \(target.features) caches \(target.caches)
      \(kernel.text)
      """
  }
}

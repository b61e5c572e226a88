package import CHeedABI
internal import CHeedPool
internal import Foundation
internal import HeedIR

/// The threads that run the tiles of kernels.
///
/// A pool may serve any number of callers at once. Each tile runs once, so results do not depend on the number of threads.
public final class ThreadPool: Sendable {
  /// The most threads that a pool may have.
  public static let threadLimit = 1024

  private nonisolated(unsafe) let pool: OpaquePointer

  /// A pool of `threads` threads, the calling thread of each run being one of them: with 1 no thread is started.
  /// - Throws: where `threads` is not in `1 ... threadLimit`, or memory lacks.
  public init(threads: Int) throws {
    guard (1...Self.threadLimit).contains(threads) else {
      throw HeedError("got \(threads) threads, expected a number from 1 to \(Self.threadLimit)")
    }
    guard let pool = heed_pool_create(Int32(threads)) else { throw HeedError("no memory for a pool of \(threads) threads") }
    self.pool = pool
  }

  /// A pool of `defaultThreadCount` threads.
  public convenience init() throws {
    try self.init(threads: Self.defaultThreadCount())
  }

  deinit { heed_pool_destroy(pool) }

  /// The number of threads that run tiles, the caller among them. Less than was asked for where the system starts no more.
  public var threadCount: Int { Int(heed_pool_threads(pool)) }

  /// Whether the calling thread may be scheduled on the cores that the pool's creator could be, and on no others, and is of its process.
  var isCallers: Bool { heed_pool_is_callers(pool) != 0 }

  /// The number of threads to use where nobody says: `HEED_THREADS` of the environment, or the cores that this process may use.
  /// - Throws: where `HEED_THREADS` is not a number from 1 to `threadLimit`.
  public static func defaultThreadCount() throws -> Int {
    try defaultThreadCount(environment: ProcessInfo.processInfo.environment)
  }

  package static func defaultThreadCount(environment: [String: String]) throws -> Int {
    guard let text = environment["HEED_THREADS"], !text.isEmpty else { return min(AvailableCores.count(), threadLimit) }
    guard let threads = Int(text), (1...threadLimit).contains(threads) else {
      throw HeedError("got HEED_THREADS=\(text), expected a number from 1 to \(threadLimit)")
    }
    return threads
  }

  /// Runs the tiles `0 ..< count` of one phase of a kernel and returns when all are done. Each thread has at least `scratchBytes`
  /// bytes of scratch of its own, aligned to 64, contents unspecified.
  /// - Throws: where the scratch of the calling thread cannot be had; then no tile has run.
  package func run(
    _ function: heed_run_function, _ arguments: UnsafePointer<heed_arguments>, count: Int, scratchBytes: Int = 0,
    scratch: CallerScratch? = nil
  ) throws {
    precondition(count >= 0 && scratchBytes >= 0, "a phase of \(count) tiles with \(scratchBytes) bytes of scratch")
    guard heed_pool_run(pool, function, arguments, Int64(count), scratchBytes, scratch?.pointer) == 0 else {
      throw Self.noScratch(scratchBytes)
    }
  }

  /// Calls `body` with the calling thread's scratch for all that it runs, so that nothing that has begun to run lacks it.
  /// - Throws: where the scratch cannot be had, and what `body` throws.
  func withScratch<Value>(byteCount: Int, _ body: (CallerScratch) throws -> Value) throws -> Value {
    guard let scratch = heed_pool_take_scratch(pool, byteCount) else { throw Self.noScratch(byteCount) }
    defer { heed_pool_give_scratch(pool, scratch) }
    return try body(CallerScratch(pointer: scratch))
  }

  private static func noScratch(_ byteCount: Int) -> HeedError {
    HeedError("no memory for a kernel's scratch of \(byteCount) bytes")
  }
}

/// The scratch of the calling thread: see `ThreadPool.withScratch`.
package struct CallerScratch {
  fileprivate let pointer: OpaquePointer
}

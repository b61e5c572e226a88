internal import CHeedPool
internal import HeedIR

extension ThreadPool {
  /// The pools that programs share, as long as one holds them.
  private static let pools = Lock<[Shared]>([])

  private struct Shared: Sendable {
    let threads: Int
    weak var pool: ThreadPool?
  }

  /// A pool of `threads` threads, or of the default number: the one that other programs of this process have, where they want as many
  /// threads and were compiled on a thread that may use the same cores. So threads do not grow with the number of programs.
  /// - Throws: as the initialisers do.
  package static func shared(threads: Int?) throws -> ThreadPool {
    let threads = try threads ?? defaultThreadCount()
    return try pools.withLock { pools in
      pools.removeAll { $0.pool == nil }
      for case let (shared, pool?) in pools.map({ ($0, $0.pool) }) where shared.threads == threads && pool.isCallers {
        return pool
      }
      let pool = try ThreadPool(threads: threads)
      pools.append(Shared(threads: threads, pool: pool))
      return pool
    }
  }
}

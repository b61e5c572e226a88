internal import CHeedPool

/// Returns what `body` returns, before a fork that another thread asks for meanwhile. So a child finds no lock that a thread which it does
/// not have holds. May be nested.
package func holdingForks<Value>(_ body: () throws -> Value) rethrows -> Value {
  heed_fork_hold()
  defer { heed_fork_release() }
  return try body()
}

/// Whether this process was forked from one that used Heed, so that the queues of Dispatch cannot be used.
package var isForked: Bool { heed_fork_count() > 0 }

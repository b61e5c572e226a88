internal import Foundation
internal import HeedIR
internal import HeedRuntime

/// The results of two pieces of work that run at the same time, the first on a thread of its own.
/// - Throws: what the first threw, else what the second did; in either case after both are done.
func concurrently<First: Sendable, Second>(
  _ first: @escaping @Sendable () throws -> First, _ second: () throws -> Second
) throws -> (First, Second) {
  if isForked {
    let value = Result { try first() }
    let other = Result { try second() }
    return (try value.get(), try other.get())
  }
  let result = Lock<Result<First, any Error>?>(nil)
  let group = DispatchGroup()
  DispatchQueue.global(qos: .userInitiated).async(group: group) {
    let value = Result { try first() }
    result.withLock { $0 = value }
  }
  let other = Result { try second() }
  group.wait()
  return (try result.withLock { $0! }.get(), try other.get())
}

/// Calls `body` with the numbers below `count`, several at a time; one after the other in a process that was forked.
func concurrentPerform(_ count: Int, _ body: @Sendable (Int) -> Void) {
  if isForked { (0..<count).forEach(body) } else { DispatchQueue.concurrentPerform(iterations: count, execute: body) }
}

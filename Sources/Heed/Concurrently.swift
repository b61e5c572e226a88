internal import Foundation
internal import HeedIR

/// The results of two pieces of work that run at the same time, the first on a thread of its own.
/// - Throws: what the first threw, else what the second did; in either case after both are done.
func concurrently<First: Sendable, Second>(
  _ first: @escaping @Sendable () throws -> First, _ second: () throws -> Second
) throws -> (First, Second) {
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

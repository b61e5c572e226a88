internal import Foundation

/// A value that one thread at a time may touch.
///
/// Unlike `Synchronization.Mutex`, whose lock ThreadSanitizer does not see on Linux, this one reports no false races.
package final class Lock<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var value: Value

  package init(_ value: Value) { self.value = value }

  /// Calls `body` while no other thread holds the value. Not to be nested.
  package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }
}

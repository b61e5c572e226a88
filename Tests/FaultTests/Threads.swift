import Foundation
import Testing

/// Runs `body` on `count` threads while `action` runs on this one; waits for all.
func withThreads(_ count: Int, _ body: @escaping @Sendable (_ index: Int) throws -> Void, whileRunning action: () throws -> Void)
  throws
{
  let group = DispatchGroup()
  for index in 0..<count {
    group.enter()
    Thread.detachNewThread {
      do { try body(index) } catch { Issue.record("thread \(index): \(error)") }
      group.leave()
    }
  }
  try action()
  group.wait()
}

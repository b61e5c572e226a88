import CHeedABI
import Foundation
import HeedIR
import HeedRuntime

/// Runs `body` on `count` threads at once and waits for all.
func onThreads(_ count: Int, _ body: @escaping @Sendable (_ index: Int) -> Void) {
  let group = DispatchGroup()
  for index in 0..<count {
    group.enter()
    Thread.detachNewThread {
      body(index)
      group.leave()
    }
  }
  group.wait()
}

/// Calls `body` with the arguments of a kernel call.
func withArguments<Value>(
  buffers: [UnsafeMutableRawPointer?], symbols: [Int64] = [], _ body: (UnsafePointer<heed_arguments>) throws -> Value
) rethrows -> Value {
  try buffers.withUnsafeBufferPointer { buffers in
    try symbols.withUnsafeBufferPointer { symbols in
      var arguments = heed_arguments(buffers: buffers.baseAddress, symbols: symbols.baseAddress)
      return try body(&arguments)
    }
  }
}

/// The lines that something logged.
final class Log: Sendable {
  private let lines = Lock<[String]>([])
  func add(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
}

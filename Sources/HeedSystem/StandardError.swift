internal import Foundation

/// Standard error, for errors and warnings. Where it is closed or full, they are lost and nothing else changes.
package enum StandardError {
  /// Writes `line` and its end.
  package static func write(_ line: String) {
    var text = line + "\n"
    text.withUTF8 { bytes in
      withoutPipeSignal { try? Descriptor.standardError.write(UnsafeRawBufferPointer(bytes)) }
    }
  }

  /// Runs `body` so that this thread writing to a pipe that no one reads is an error, and does not end the process.
  private static func withoutPipeSignal(_ body: () -> Void) {
    var (signals, old, pending) = (sigset_t(), sigset_t(), sigset_t())
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    sigpending(&pending)
    let wasPending = sigismember(&pending, SIGPIPE) == 1
    pthread_sigmask(SIG_BLOCK, &signals, &old)
    body()
    if !wasPending {
      var atOnce = timespec()
      sigtimedwait(&signals, nil, &atOnce)
    }
    pthread_sigmask(SIG_SETMASK, &old, nil)
  }
}

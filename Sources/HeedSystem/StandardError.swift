internal import Foundation

/// Standard error, for errors and warnings. Where it is closed or full, they are lost and nothing else changes.
package enum StandardError {
  /// Whether a person reads it on a terminal, so that a line can be written again.
  package static var isTerminal: Bool { isatty(Descriptor.standardError.number) == 1 }

  /// The columns of the terminal; 80 where it does not say.
  package static var columnCount: Int {
    var size = winsize()
    let isKnown = ioctl(Descriptor.standardError.number, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : 80
  }

  /// Writes `line` and its end.
  package static func write(_ line: String) { write(text: line + "\n") }

  /// Writes `text` as it is.
  package static func write(text: String) {
    var text = text
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

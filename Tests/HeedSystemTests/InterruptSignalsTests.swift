import Foundation
import HeedSystem
import Testing

/// Signals that ask for a stop.
@Suite(.serialized) struct InterruptSignalsTests {
  /// Sends a signal to the process, and waits until one is noted.
  private func noted(_ signal: Int32) -> String? {
    kill(getpid(), signal)
    for _ in 0..<10_000 where InterruptSignals.name == nil { usleep(1000) }
    return InterruptSignals.name
  }

  /// The first one is noted, however many parts of the process ask; then signals do what they did before.
  @Test func notedAndGivenBack() {
    signal(SIGTERM, SIG_IGN)
    defer { signal(SIGTERM, SIG_DFL) }
    #expect(InterruptSignals.name == nil)
    InterruptSignals.begin()
    InterruptSignals.begin()
    #expect(InterruptSignals.name == nil)
    #expect(noted(SIGTERM) == "SIGTERM")
    InterruptSignals.end()
    #expect(InterruptSignals.name == "SIGTERM")
    InterruptSignals.end()
    #expect(InterruptSignals.name == nil)
    // Ignored again, as before: the process lives.
    kill(getpid(), SIGTERM)
    #expect(InterruptSignals.name == nil)
  }

  /// A new run knows nothing of the signal that ended the last one.
  @Test func beginsAnew() {
    for signal in [SIGINT, SIGTERM, SIGINT] {
      InterruptSignals.begin()
      #expect(InterruptSignals.name == nil)
      #expect(noted(signal) == (signal == SIGINT ? "SIGINT" : "SIGTERM"))
      InterruptSignals.end()
    }
  }
}

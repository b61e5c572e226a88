internal import Foundation
internal import HeedIR
internal import Synchronization

/// The signals SIGINT and SIGTERM as a request to stop, while some part of the process asks for that.
///
/// The first of them is only noted. It also gives both signals their default action back, so that a second one ends the process at once.
package enum InterruptSignals {
  private static let signals = [SIGINT, SIGTERM]
  private static let received = Atomic<Int32>(0)
  /// How many parts of the process ask, and what the signals did before.
  private static let state = Lock(State())

  private struct State: @unchecked Sendable {
    var count = 0
    var previous: [sigaction] = []
  }

  /// The signal that came since `begin`; nil where none did.
  package static var name: String? {
    switch received.load(ordering: .relaxed) {
    case 0: nil
    case SIGINT: "SIGINT"
    default: "SIGTERM"
    }
  }

  /// Begins to note the signals. Each call needs one of `end`.
  package static func begin() {
    state.withLock { state in
      state.count += 1
      guard state.count == 1 else { return }
      received.store(0, ordering: .relaxed)
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { number in
        // Nothing but what a handler may do: an atomic store and two calls of the system.
        InterruptSignals.received.store(number, ordering: .relaxed)
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
      }
      action.sa_flags = Int32(SA_RESTART)
      state.previous = signals.map { number in
        var old = sigaction()
        sigaction(number, &action, &old)
        return old
      }
    }
  }

  /// Makes the signals do again what they did before.
  package static func end() {
    state.withLock { state in
      state.count -= 1
      guard state.count == 0 else { return }
      received.store(0, ordering: .relaxed)
      for (number, var old) in zip(signals, state.previous) { sigaction(number, &old, nil) }
    }
  }
}

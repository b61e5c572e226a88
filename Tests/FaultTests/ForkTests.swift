import CHeedMemory
import Foundation
import Heed
import HeedTestSupport
import Synchronization
import Testing

/// Processes that fork and go on without exec: the child has one thread, and neither the pool's nor Dispatch's.
@Suite(.timeLimit(.minutes(5))) struct ForkTests {
  /// Runs `body` in a forked process; returns whether it came to its end and returned true. It must not take longer than 30 seconds.
  private static func inChild(_ body: () throws -> Bool) -> Bool {
    typealias Fork = @convention(c) () -> pid_t
    // Swift has no name for it.
    let fork = unsafeBitCast(dlsym(nil, "fork"), to: Fork.self)
    let child = fork()
    if child == 0 {
      // Threads of Dispatch block all signals, and the child has the mask of the one that forked.
      var signals = sigset_t()
      sigemptyset(&signals)
      sigaddset(&signals, SIGALRM)
      sigprocmask(SIG_UNBLOCK, &signals, nil)
      alarm(30)
      let isRight = (try? body()) ?? false
      _exit(isRight ? 0 : 1)
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    return child > 0 && status == 0
  }

  /// - Parameter folder: where compiled kernels are kept; nil for nowhere.
  private static func options(_ threads: Int, _ folder: String?) -> CompileOptions {
    CompileOptions(threads: threads, cache: ObjectCache(directory: folder))
  }

  /// A child calls what its parent compiled, as often and with as many threads as it likes; compiles; lets programs go; and forks again.
  @Test func aChildCallsAndCompiles() async {
    await #expect(processExitsWith: .success) {
      try withTemporaryFolder { folder in
        for (program, threads) in try [
          (ProgramCase.attention(length: 600), 1), (ProgramCase.step(), 2), (.attention(length: 600), 3),
        ] {
          let loaded = try program.loaded(ForkTests.options(threads, folder))
          let expected = try program.call(loaded)
          let calls = ForkTests.inChild {
            guard ProcessUse.now.workers == 0 else { return false }
            for _ in 0..<3 { guard try program.call(loaded) == expected else { return false } }
            guard ProcessUse.now.workers == threads - 1 else { return false }
            return ForkTests.inChild { try program.call(loaded) == expected }
          }
          #expect(calls, "\(program.name), \(threads) threads")
          // From the cache, and anew.
          for kept in [folder, nil] {
            let compiles = ForkTests.inChild { try program.call(program.loaded(ForkTests.options(threads, kept))) == expected }
            #expect(compiles, "\(program.name), \(threads) threads, \(kept ?? "no cache")")
          }
          // A pool that was never used in the child goes without its threads.
          let letsGo = ForkTests.inChild {
            var other: CompiledGraph? = try program.loaded(ForkTests.options(7, folder))
            let isSecond = ForkTests.inChild {
              other = nil
              return true
            }
            return isSecond && other != nil
          }
          #expect(letsGo)
          #expect(try program.call(loaded) == expected)
        }
      }
    }
  }

  /// The scheduler may put the caller of a child on the same cores as its parent.
  @Test func aChildMayUseTheSameCores() async {
    await #expect(processExitsWith: .success) {
      let program = try ProgramCase.attention(length: 600)
      let loaded = try program.loaded(ForkTests.options(2, nil))
      _ = try program.call(loaded)
      let before = AvailableCores.count()
      #expect(
        ForkTests.inChild {
          for _ in 0..<20 { _ = try program.call(loaded) }
          return AvailableCores.count() == before
        })
    }
  }

  /// Forks at any moment of other threads' calls, compilations and frees.
  @Test func whileOthersCall() async {
    await #expect(processExitsWith: .success) {
      try withTemporaryFolder { folder in
        let program = try ProgramCase.attention(length: 100)
        let step = try ProgramCase.step()
        let (loaded, training) = (try program.loaded(ForkTests.options(2, folder)), try step.loaded(ForkTests.options(2, folder)))
        let (expected, trained) = (try program.call(loaded), try step.call(training))
        let isOver = Atomic(false)
        try withThreads(5) { thread in
          while !isOver.load(ordering: .relaxed) {
            let isRight =
              switch thread {
              case 0: try program.call(program.loaded(ForkTests.options(2, folder))) == expected
              case 1: try step.call(training) == trained
              default: try program.call(loaded) == expected
              }
            #expect(isRight, "thread \(thread)")
          }
        } whileRunning: {
          for round in 0..<12 {
            let isRight = ForkTests.inChild {
              guard try program.call(loaded) == expected, try step.call(training) == trained else { return false }
              return try round % 5 > 0 || program.call(program.loaded(ForkTests.options(2, folder))) == expected
            }
            #expect(isRight, "round \(round)")
          }
          isOver.store(true, ordering: .relaxed)
        }
        #expect(try program.call(loaded) == expected)
      }
    }
  }
}

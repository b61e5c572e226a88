import CHeedABI
import CHeedPool
import Foundation
import HeedIR
import HeedRuntime
import Testing

/// Adds `tile + 1` to the tile's place in the first buffer: a tile that ran twice, or not at all, leaves another number.
private let mark: heed_run_function = { arguments, begin, end, _ in
  let out = arguments!.pointee.buffers[0]!.assumingMemoryBound(to: Int64.self)
  var tile = begin
  while tile < end {
    out[Int(tile)] += tile + 1
    tile += 1
  }
}

/// Like `mark`, with scratch of `symbols[0]` bytes: fills it, works, and finds it as it left it, else adds 1 more.
private let markThroughScratch: heed_run_function = { arguments, begin, end, scratch in
  let out = arguments!.pointee.buffers[0]!.assumingMemoryBound(to: Int64.self)
  let words = UnsafeMutableBufferPointer(
    start: scratch!.assumingMemoryBound(to: Int64.self), count: Int(arguments!.pointee.symbols[0]) / 8)
  let aligned = UInt(bitPattern: scratch) % 64 == 0
  for tile in begin..<end {
    for index in words.indices { words[index] = tile }
    let intact = words.allSatisfy { $0 == tile }
    out[Int(tile)] += tile + (aligned && intact ? 1 : 2)
  }
}

/// Runs a phase of `symbols[0]` tiles of `mark` on the pool in buffer 1, from within each tile; buffer 0 holds one row a tile.
private let markNested: heed_run_function = { arguments, begin, end, _ in
  let inner = Int(arguments!.pointee.symbols[0])
  let rows = arguments!.pointee.buffers[0]!.assumingMemoryBound(to: Int64.self)
  let pool = Unmanaged<ThreadPool>.fromOpaque(arguments!.pointee.buffers[1]!).takeUnretainedValue()
  for tile in begin..<end {
    withArguments(buffers: [rows + Int(tile) * inner]) { try! pool.run(mark, $0, count: inner) }
  }
}

/// The sums that `function` leaves after `runs` phases of `count` tiles.
private func sums(
  _ pool: ThreadPool, _ function: heed_run_function, count: Int, runs: Int = 1, scratchBytes: Int = 0
) throws -> [Int64] {
  var out = [Int64](repeating: 0, count: count)
  try out.withUnsafeMutableBytes { bytes in
    try withArguments(buffers: [bytes.baseAddress], symbols: [Int64(scratchBytes)]) { arguments in
      for _ in 0..<runs { try pool.run(function, arguments, count: count, scratchBytes: scratchBytes) }
    }
  }
  return out
}

private func expectedSums(_ count: Int, runs: Int = 1) -> [Int64] { (0..<Int64(count)).map { ($0 + 1) * Int64(runs) } }

@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 3, 8], [0, 1, 7, 1000, 1_000_000])
  func eachTileRunsOnce(threads: Int, count: Int) throws {
    let pool = try ThreadPool(threads: threads)
    #expect(pool.threadCount == threads)
    let runs = count > 1000 ? 1 : 3
    #expect(try sums(pool, mark, count: count, runs: runs) == expectedSums(count, runs: runs))
  }

  @Test(arguments: [1, 2, 3, 8])
  func manySmallRunsInARow(threads: Int) throws {
    let pool = try ThreadPool(threads: threads)
    #expect(try sums(pool, mark, count: 5, runs: 3000) == expectedSums(5, runs: 3000))
  }

  @Test(arguments: [1, 2, 5]) func runsAfterTheWorkersParked(threads: Int) throws {
    let pool = try ThreadPool(threads: threads)
    for _ in 0..<20 {
      #expect(try sums(pool, mark, count: 100) == expectedSums(100))
      usleep(2000)
    }
  }

  @Test(arguments: [1, 2, 3, 8]) func scratchIsEachThreadsOwnAndGrows(threads: Int) throws {
    let pool = try ThreadPool(threads: threads)
    for bytes in [64, 4096, 100_000, 64, (4 << 20) + 8] {
      let count = bytes > 1 << 20 ? 12 : 100
      #expect(try sums(pool, markThroughScratch, count: count, scratchBytes: bytes) == expectedSums(count))
    }
  }

  @Test func programsShareAPoolOfTheirNumberOfThreads() throws {
    weak var gone: ThreadPool?
    do {
      let pool = try ThreadPool.shared(threads: 13)
      gone = pool
      #expect(try ThreadPool.shared(threads: 13) === pool)
      let other = try ThreadPool.shared(threads: 11)
      #expect(other !== pool && other.threadCount == 11)
      #expect(throws: HeedError.self) { try ThreadPool.shared(threads: 0) }
      #expect(try sums(pool, mark, count: 100) == expectedSums(100))
    }
    #expect(gone == nil)
    #expect(try ThreadPool.shared(threads: nil).threadCount == ThreadPool.defaultThreadCount())
  }

  @Test(arguments: [1, 2, 4]) func callersMayShareAPool(threads: Int) throws {
    let pool = try ThreadPool(threads: threads)
    let log = Log()
    onThreads(6) { caller in
      for run in 0..<60 {
        let count = 1 + (caller * 131 + run * 17) % 400
        let got = try? sums(pool, markThroughScratch, count: count, scratchBytes: 512)
        if got != expectedSums(count) { log.add("caller \(caller), run \(run), \(count) tiles: got \(got ?? [])") }
      }
    }
    #expect(log.all == [])
  }

  @Test(arguments: [1, 2, 3]) func aTileMayRunAPhase(threads: Int) throws {
    let pool = try ThreadPool(threads: threads)
    let (outer, inner) = (40, 50)
    var out = [Int64](repeating: 0, count: outer * inner)
    try out.withUnsafeMutableBytes { bytes in
      let itself = Unmanaged.passUnretained(pool).toOpaque()
      try withArguments(buffers: [bytes.baseAddress, itself], symbols: [Int64(inner)]) {
        try pool.run(markNested, $0, count: outer)
      }
    }
    #expect(out == (0..<outer).flatMap { _ in expectedSums(inner) })
  }

  @Test func poolsComeAndGo() throws {
    for round in 0..<40 {
      let first = try ThreadPool(threads: 1 + round % 4)
      let second = try ThreadPool(threads: 3)
      if round % 2 == 0 { #expect(try sums(first, mark, count: 33) == expectedSums(33)) }
      #expect(try sums(second, mark, count: 33) == expectedSums(33))
    }
    let log = Log()
    onThreads(4) { thread in
      for _ in 0..<10 {
        guard let pool = try? ThreadPool(threads: 2), (try? sums(pool, mark, count: 9)) == expectedSums(9) else {
          return log.add("thread \(thread)")
        }
      }
    }
    #expect(log.all == [])
  }

  @Test func scratchThatCannotBeHadIsAnErrorAndRunsNothing() throws {
    let pool = try ThreadPool(threads: 2)
    var out: [Int64] = [0, 0, 0]
    out.withUnsafeMutableBytes { bytes in
      withArguments(buffers: [bytes.baseAddress]) { arguments in
        _ = #expect(throws: HeedError.self) { try pool.run(mark, arguments, count: 3, scratchBytes: Int.max / 2) }
      }
    }
    #expect(out == [0, 0, 0])
    #expect(try sums(pool, mark, count: 3) == [1, 2, 3])
  }

  @Test func badThreadNumbersAreErrors() throws {
    for threads in [0, -1, ThreadPool.threadLimit + 1, Int.max] {
      #expect(throws: HeedError.self) { try ThreadPool(threads: threads) }
    }
    #expect(heed_pool_create(0) == nil)
    heed_pool_destroy(nil)
  }

  @Test func defaultThreadCountComesFromTheEnvironment() throws {
    #expect(try ThreadPool.defaultThreadCount(environment: ["HEED_THREADS": "3"]) == 3)
    let cores = try ThreadPool.defaultThreadCount(environment: [:])
    #expect(cores >= 1 && cores <= Int(heed_affinity_cores()))
    #expect(try ThreadPool.defaultThreadCount(environment: ["HEED_THREADS": ""]) == cores)
    for text in ["0", "-2", "two", "2.5", "1025", "99999999999999999999"] {
      let error = #expect(throws: HeedError.self) { try ThreadPool.defaultThreadCount(environment: ["HEED_THREADS": text]) }
      #expect(error?.message == "got HEED_THREADS=\(text), expected a number from 1 to 1024")
    }
  }

  @Test func controlGroupsLimitTheCores() {
    func quota(_ files: [String: String]) -> Int? { AvailableCores.quota { files[$0] } }
    let here = "/proc/self/cgroup"
    #expect(quota([:]) == nil)
    #expect(quota([here: "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"]) == nil)
    #expect(quota([here: "0::/\n", "/sys/fs/cgroup/cpu.max": "150000 100000\n"]) == 2)
    let (inner, outer) = ("/sys/fs/cgroup/a/b/cpu.max", "/sys/fs/cgroup/a/cpu.max")
    #expect(quota([here: "0::/a/b\n", inner: "800000 100000\n", outer: "300000 100000"]) == 3)
    #expect(quota([here: "0::/gone\n", "/sys/fs/cgroup/cpu.max": "50000 100000"]) == 1)
    let legacy = "5:memory:/x\n4:cpu,cpuacct:/x\n"
    let folder = "/sys/fs/cgroup/cpu/x"
    #expect(quota([here: legacy, "\(folder)/cpu.cfs_quota_us": "-1\n", "\(folder)/cpu.cfs_period_us": "100000\n"]) == nil)
    #expect(quota([here: legacy, "\(folder)/cpu.cfs_quota_us": "250000\n", "\(folder)/cpu.cfs_period_us": "100000\n"]) == 3)
    #expect(quota([here: "nonsense\n0::\n", "/sys/fs/cgroup/cpu.max": "a b c"]) == nil)
  }
}

internal import Foundation
internal import HeedIR

/// The file by which `perf` names functions of code that was generated in memory: `HEED_PERF_MAP=1 perf record heed ...`.
enum PerfMap {
  static let isWanted = ProcessInfo.processInfo.environment["HEED_PERF_MAP"] != nil

  private static let lock = Lock(())

  /// Adds functions to this process's map. Where the file cannot be written they stay nameless.
  static func add(_ functions: [(address: UInt, byteCount: Int, name: String)]) {
    let lines = functions.map { String(format: "%lx %lx %@\n", $0.address, $0.byteCount, $0.name as NSString) }.joined()
    lock.withLock { _ in
      guard let file = fopen("/tmp/perf-\(getpid()).map", "a") else { return }
      defer { fclose(file) }
      fputs(lines, file)
    }
  }
}

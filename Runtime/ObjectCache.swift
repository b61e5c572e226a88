internal import Foundation
internal import HeedIR
internal import HeedSystem

/// Compiled objects on disk, kept from one process to the next.
///
/// An object is found by a key: a text that holds everything that decides the object, so an entry is never out of date. Entries
/// are files of one directory. Several threads and processes may use it at once: a file is written under a temporary name and
/// then renamed, and checked in full when it is read. A cache never fails: where the directory cannot be used, or a file is damaged,
/// it logs one line and the object is compiled anew. Objects are code that is run, so neither the directory nor a file is used that others
/// than this user and root own or can write to.
public final class ObjectCache: Sendable {
  /// Takes one message, a line without its end.
  public typealias Logger = @Sendable (_ message: String) -> Void

  /// Where the entries are; nil where nothing is kept.
  public let directory: String?
  /// What measurements found, kept with the objects.
  package let findings: FindingStore
  private let byteLimit: Int
  private let log: Logger
  private let state = Lock(State())

  private struct State {
    var warned = false
    var storeCount = 0
  }

  /// A cache in `directory`, which is made when first needed; one that keeps nothing where that is nil.
  /// - Parameters:
  ///   - byteLimit: the size of all entries together, in bytes. Past it, those that were used longest ago are removed. It is
  ///     checked now and then, so it may be exceeded for a while.
  ///   - log: takes each message.
  public init(directory: String?, byteLimit: Int = 512 << 20, log: @escaping Logger = ObjectCache.logToStandardError) {
    (self.directory, self.byteLimit, self.log) = (directory, byteLimit, log)
    findings = FindingStore(directory: directory, log: log)
  }

  /// The cache that the environment names: `$HEED_CACHE` (`off` for none), else `$XDG_CACHE_HOME/heed`, else `~/.cache/heed`.
  public convenience init(environment: [String: String], log: @escaping Logger = ObjectCache.logToStandardError) {
    self.init(directory: Self.directory(environment: environment), log: log)
  }

  /// The cache that this process's environment names.
  public static let standard = ObjectCache(environment: ProcessInfo.processInfo.environment)

  /// Writes `warning: ` and the message to standard error, if that can be written.
  public static let logToStandardError: Logger = { message in StandardError.write("warning: \(message)") }

  private static func directory(environment: [String: String]) -> String? {
    if let path = environment["HEED_CACHE"], !path.isEmpty { return path == "off" ? nil : path }
    // The XDG base directory specification says to ignore a relative XDG_CACHE_HOME.
    if let path = environment["XDG_CACHE_HOME"], path.hasPrefix("/") { return path + "/heed" }
    if let path = environment["HOME"], path.hasPrefix("/") { return path + "/.cache/heed" }
    return nil
  }

  /// The file that keeps the object of `key`; nil where nothing is kept.
  package func path(key: String) -> String? {
    directory.map { "\($0)/\(CacheEntry.fileName(key: key))" }
  }

  /// The object that was stored for `key`; nil where there is none, or its file is damaged.
  package func load(key: String) -> [UInt8]? {
    guard let directory, let path = path(key: key), canTrust(directory) else { return nil }
    do throws(FileError) {
      let file = try CacheFile.read(path)
      let entry = try CacheEntry.decode(file)
      // Another key with the same hash: no error, just not ours.
      guard entry.key.elementsEqual(key.utf8) else { return nil }
      CacheFile.markUsed(path)
      return Array(entry.object)
    } catch {
      switch error {
      case .missing: break
      case .damaged(let reason): log("object cache: \(path) is damaged (\(reason)): compiling again")
      case .system(let reason): warnOnce("cannot read \(path): \(reason)")
      }
      return nil
    }
  }

  /// Keeps `object` for `key`, in place of what was there.
  package func store(_ object: [UInt8], key: String) {
    guard let directory, let path = path(key: key), canTrust(directory) else { return }
    do throws(FileError) {
      try CacheFile.write(CacheEntry.encode(key: key, object: object), to: path, in: directory)
    } catch {
      warnOnce("cannot write \(path): \(error)")
      return
    }
    let storeCount = state.withLock { state in
      state.storeCount += 1
      return state.storeCount
    }
    if storeCount % 64 == 1 { evict() }
  }

  /// Removes the entries used longest ago until the others take at most three quarters of the limit, where they take more than
  /// the limit; and what interrupted stores left.
  package func evict() {
    guard let directory else { return }
    var entries: [(path: String, use: FileUse)] = []
    for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
      let path = "\(directory)/\(name)"
      guard let use = CacheFile.use(path) else { continue }
      if name.hasSuffix(CacheEntry.suffix) {
        entries.append((path, use))
      } else if name.hasPrefix(CacheFile.temporaryPrefix), use.secondsAgo > 3600 {
        unlink(path)
      }
    }
    var total = entries.reduce(0) { $0 + $1.use.byteCount }
    guard total > byteLimit else { return }
    for entry in entries.sorted(by: { $0.use.secondsAgo > $1.use.secondsAgo }) where total > byteLimit / 4 * 3 {
      unlink(entry.path)
      total -= entry.use.byteCount
    }
  }

  /// Whether only this user and root can put files into the directory; warns otherwise.
  private func canTrust(_ directory: String) -> Bool {
    do throws(FileError) {
      try CacheFile.checkFolder(directory)
      return true
    } catch {
      warnOnce("cannot use \(directory): \(error)")
      return false
    }
  }

  /// Logs the first thing that went wrong with the directory; the rest would be the same again.
  private func warnOnce(_ message: String) {
    let first = state.withLock { state in
      defer { state.warned = true }
      return !state.warned
    }
    if first { log("object cache: \(message): continuing without it") }
  }
}

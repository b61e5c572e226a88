import Foundation
import HeedRuntime
import HeedTestSupport
import Testing

@Suite struct ObjectCacheTests {
  private let key = "kernel @add {\n}\ntarget x86-64\nLLVM 19"
  private let object = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 37) }

  private func withCache(byteLimit: Int = 512 << 20, _ body: (ObjectCache, Log) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let log = Log()
      try body(ObjectCache(directory: "\(folder)/a/b", byteLimit: byteLimit) { log.add($0) }, log)
    }
  }

  @Test func whatIsStoredIsLoaded() throws {
    try withCache { cache, log in
      #expect(cache.load(key: key) == nil)
      cache.store(object, key: key)
      #expect(cache.load(key: key) == object)
      #expect(cache.load(key: key + " ") == nil)
      cache.store([], key: "empty")
      #expect(cache.load(key: "empty") == [])
      cache.store([7], key: "")
      #expect(cache.load(key: "") == [7])
      cache.store([1, 2], key: key)
      #expect(ObjectCache(directory: cache.directory) { log.add($0) }.load(key: key) == [1, 2])
      #expect(log.all == [])
      let files = try FileManager.default.contentsOfDirectory(atPath: cache.directory!)
      #expect(files.count == 3)
    }
  }

  @Test func everyDamagedByteIsFound() throws {
    try withCache { cache, log in
      cache.store(Array(object.prefix(50)), key: key)
      let url = URL(fileURLWithPath: cache.path(key: key)!)
      let whole = try Data(contentsOf: url)
      #expect(whole.count == 8 + 4 * 8 + key.utf8.count + 50)
      for index in whole.indices {
        for bit in [0, 7] {
          var damaged = whole
          damaged[index] ^= 1 << bit
          try damaged.write(to: url)
          #expect(cache.load(key: key) == nil, "byte \(index), bit \(bit)")
        }
      }
      #expect(log.all.count == 2 * whole.count)
      for length in whole.indices {
        try whole.prefix(length).write(to: url)
        #expect(cache.load(key: key) == nil, "cut to \(length) bytes")
      }
      try (whole + [0]).write(to: url)
      #expect(cache.load(key: key) == nil)
      #expect(log.all.count == 3 * whole.count + 1)
      #expect(log.all.allSatisfy { $0.contains("is damaged") && !$0.contains("\n") })
      cache.store(object, key: key)
      #expect(cache.load(key: key) == object)
    }
  }

  @Test func aCollisionIsAMiss() throws {
    try withCache { cache, log in
      cache.store(object, key: "another")
      try FileManager.default.moveItem(atPath: cache.path(key: "another")!, toPath: cache.path(key: key)!)
      #expect(cache.load(key: key) == nil)
      #expect(log.all == [])
    }
  }

  @Test func manyMayStoreTheSameKeyAtOnce() throws {
    try withTemporaryFolder { folder in
      let log = Log()
      let (key, object) = (key, object)
      onThreads(8) { thread in
        // A cache of its own each, as other processes have.
        let cache = ObjectCache(directory: "\(folder)/new/cache") { log.add($0) }
        for round in 0..<25 {
          cache.store(object + [UInt8(thread)], key: key)
          if let loaded = cache.load(key: key), loaded.dropLast() == object[...] { continue }
          log.add("thread \(thread), round \(round): not loaded")
        }
      }
      #expect(log.all == [])
      let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/new/cache")
      #expect(files.count == 1)
    }
  }

  @Test func withoutAUsableDirectoryItWarnsOnce() throws {
    try withTemporaryFolder { folder in
      let file = "\(folder)/file"
      try Data("x".utf8).write(to: URL(fileURLWithPath: file))
      for directory in [file, "\(file)/below", "/proc/nothing/here"] {
        let log = Log()
        let cache = ObjectCache(directory: directory) { log.add($0) }
        for _ in 0..<3 {
          cache.store(object, key: key)
          #expect(cache.load(key: key) == nil)
        }
        #expect(log.all.count == 1, "\(directory): \(log.all)")
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == Data("x".utf8))
    }
  }

  /// Objects that another user could have put there are not run.
  @Test(arguments: [0o722, 0o770, 0o777, 0o1777]) func foldersThatOthersCanWriteTo(_ mode: Int) throws {
    try withCache { cache, log in
      cache.store(object, key: key)
      try #require(chmod(cache.directory!, mode_t(mode)) == 0)
      for _ in 0..<2 {
        #expect(cache.load(key: key) == nil)
        cache.store([1], key: "other")
      }
      #expect(log.all.count == 1)
      #expect(log.all[0].contains("cannot use \(cache.directory!)") && log.all[0].contains("mode \(String(mode, radix: 8))"))
      try #require(chmod(cache.directory!, 0o755) == 0)
      #expect(cache.load(key: key) == object)
      #expect(cache.load(key: "other") == nil)
    }
  }

  @Test(arguments: [0o602, 0o620, 0o666]) func filesThatOthersCanWriteTo(_ mode: Int) throws {
    try withCache { cache, log in
      cache.store(object, key: key)
      try #require(chmod(cache.path(key: key)!, mode_t(mode)) == 0)
      #expect(cache.load(key: key) == nil)
      #expect(log.all.count == 1 && log.all[0].contains("mode \(String(mode, radix: 8))"))
      // The next store replaces it by a file of this user's.
      cache.store(object, key: key)
      #expect(cache.load(key: key) == object)
    }
  }

  /// Only root can give files away; others cannot test this.
  @Test(.enabled(if: geteuid() == 0)) func whatOthersOwn() throws {
    try withCache { cache, log in
      cache.store(object, key: key)
      try #require(chown(cache.path(key: key)!, 12345, 12345) == 0)
      #expect(cache.load(key: key) == nil)
      try #require(chown(cache.path(key: key)!, 0, 0) == 0)
      #expect(cache.load(key: key) == object)
      try #require(chown(cache.directory!, 12345, 12345) == 0)
      #expect(cache.load(key: key) == nil)
      #expect(log.all.count == 1 && log.all[0].contains("belongs to the user 12345"))
    }
  }

  @Test func aFolderOrAPipeInAnEntrysPlaceIsNoCrash() throws {
    try withCache { cache, log in
      let path = cache.path(key: key)!
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      cache.store(object, key: key)
      #expect(cache.load(key: key) == nil)
      #expect(log.all.count == 1)
      try FileManager.default.removeItem(atPath: path)
      try #require(mkfifo(path, 0o600) == 0)
      #expect(cache.load(key: key) == nil)
      #expect(log.all.count == 1)
      cache.store(object, key: key)
      #expect(cache.load(key: key) == object)
    }
  }

  @Test func theEnvironmentNamesTheDirectory() {
    func directory(_ environment: [String: String]) -> String? { ObjectCache(environment: environment) { _ in }.directory }
    #expect(directory(["HEED_CACHE": "/x", "XDG_CACHE_HOME": "/y", "HOME": "/z"]) == "/x")
    #expect(directory(["HEED_CACHE": "", "XDG_CACHE_HOME": "/y", "HOME": "/z"]) == "/y/heed")
    #expect(directory(["XDG_CACHE_HOME": "relative", "HOME": "/z"]) == "/z/.cache/heed")
    #expect(directory([:]) == nil)
    #expect(directory(["HEED_CACHE": "off", "HOME": "/z"]) == nil)
    let off = ObjectCache(directory: nil) { _ in }
    off.store(object, key: key)
    #expect(off.load(key: key) == nil)
    off.evict()
  }

  @Test func entriesUsedLongestAgoAreEvicted() throws {
    try withCache(byteLimit: 20_000) { cache, log in
      for index in 0..<30 {
        cache.store(object, key: "\(index)")
        let past = Date(timeIntervalSinceNow: Double(index - 1000))
        try FileManager.default.setAttributes([.modificationDate: past], ofItemAtPath: cache.path(key: "\(index)")!)
      }
      #expect(cache.load(key: "3") != nil)  // counts as use
      cache.evict()
      let left = (0..<30).filter { cache.load(key: "\($0)") != nil }
      #expect(left.count >= 10 && left.count <= 15)
      #expect(left == [3] + Array((30 - left.count + 1)..<30))
      cache.evict()
      #expect((0..<30).filter { cache.load(key: "\($0)") != nil } == left)
      #expect(log.all == [])
    }
  }

  @Test func whatInterruptedStoresLeftIsRemoved() throws {
    try withCache { cache, _ in
      cache.store(object, key: key)
      let (old, new) = ("\(cache.directory!)/.new-1-a", "\(cache.directory!)/.new-1-b")
      for path in [old, new] { try Data([1]).write(to: URL(fileURLWithPath: path)) }
      try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -7200)], ofItemAtPath: old)
      cache.evict()
      #expect(!FileManager.default.fileExists(atPath: old))
      #expect(FileManager.default.fileExists(atPath: new))
      #expect(cache.load(key: key) == object)
    }
  }
}

@Suite struct BuildIDTests {
  @Test func idIsThatOfThisExecutable() throws {
    let id = try #require(BuildID.current)
    if id.contains("-") {
      var status = stat()
      try #require(stat("/proc/self/exe", &status) == 0)
      #expect(id.hasPrefix("\(status.st_size)-\(status.st_mtim.tv_sec)."))
    } else {
      let digits = Array(id)
      let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16)! }
      #expect(bytes.count >= 8)
      let file = try Data(contentsOf: URL(fileURLWithPath: "/proc/self/exe"), options: .alwaysMapped)
      #expect(file.range(of: Data(bytes)) != nil)
    }
  }
}

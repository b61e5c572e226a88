import Foundation
import HeedIR
import HeedRuntime
import Testing

/// The file of tuned tiles beside the cache of objects.
@Suite struct FindingStoreTests {
  private func withStore(_ body: (_ store: () -> FindingStore, _ path: String, _ messages: Lock<[String]>) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("heed-" + UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let messages = Lock<[String]>([])
    let store = { ObjectCache(directory: folder + "/cache") { message in messages.withLock { $0.append(message) } }.findings }
    try body(store, try #require(store().path), messages)
  }

  @Test func keepsAndReplaces() throws {
    try withStore { store, path, messages in
      #expect(store().load().isEmpty)
      try store().add(["a b": "1 2", "c": "3"])
      try store().add(["c": "4", "d | e": "5"])
      #expect(store().load() == ["a b": "1 2", "c": "4", "d | e": "5"])
      let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
      #expect(messages.withLock { $0.isEmpty })
    }
  }

  @Test func everyDamageIsFoundAndToldOnce() throws {
    try withStore { store, path, messages in
      try store().add(["key": "1 2", "other": "3 4"])
      let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
      for position in whole.indices {
        var damaged = whole
        damaged[position] ^= 1
        try Data(damaged).write(to: URL(fileURLWithPath: path))
        let one = store()
        #expect(one.load().isEmpty && one.load().isEmpty, "byte \(position)")
        #expect(messages.withLock { $0.count } == 1, "byte \(position)")
        messages.withLock { $0 = [] }
      }
      for length in 0..<whole.count {
        try Data(whole[..<length]).write(to: URL(fileURLWithPath: path))
        #expect(store().load().isEmpty, "\(length) bytes")
      }
      try store().add(["new": "5"])
      #expect(store().load() == ["new": "5"])
    }
  }

  @Test func nothingWithoutAFolder() throws {
    let store = ObjectCache(directory: nil).findings
    try store.add(["a": "b"])
    #expect(store.load().isEmpty && store.path == nil)
  }

  @Test func whatCannotBeWritten() throws {
    let store = ObjectCache(directory: "/proc/heed") { _ in }.findings
    #expect(throws: HeedError.self) { try store.add(["a": "b"]) }
  }
}

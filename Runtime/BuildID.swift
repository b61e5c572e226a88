internal import CHeedPool

/// What the running code was built from.
public enum BuildID {
  /// An id that differs between any two builds of the binary that holds Heed: its GNU build id, or the size and the time of its
  /// file. Nil where neither can be read; then nothing compiled may be kept for a later process.
  public static let current: String? = {
    let id = String(unsafeUninitializedCapacity: 128) { text in
      text.withMemoryRebound(to: CChar.self) { heed_build_id($0.baseAddress!, $0.count) }
    }
    return id.isEmpty ? nil : id
  }()
}

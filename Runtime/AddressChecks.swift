internal import CHeedPool

/// What AddressSanitizer cannot know: which part of a call's workspace is whose.
enum AddressChecks {
  private static let areOn = heed_checks_addresses() != 0
  /// The bytes behind each part of a workspace that are nobody's: a multiple of 64.
  static let gap = areOn ? 64 : 0

  /// Calls `body` while of a workspace only some ranges of bytes may be touched; the others are reported.
  static func limiting<Value>(
    _ workspace: UnsafeMutableRawBufferPointer, to ranges: @autoclosure () -> [Range<Int>], _ body: () throws -> Value
  ) rethrows -> Value {
    guard areOn, let start = workspace.baseAddress else { return try body() }
    heed_close_memory(start, workspace.count)
    for range in ranges() { heed_open_memory(start + range.lowerBound, range.count) }
    defer { heed_open_memory(start, workspace.count) }
    return try body()
  }
}

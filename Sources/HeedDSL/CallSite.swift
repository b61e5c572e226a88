package import HeedIR

#if canImport(Runtime)
  internal import Runtime
#endif

/// The line of a call in the user's source.
package struct CallSite: Hashable, Sendable {
  package var file: String
  package var line: Int

  package init(_ file: String, _ line: Int) { (self.file, self.line) = (file, line) }

  package var location: SourceLocation { SourceLocation(file: file, line: line) }
}

extension CallSite {
  /// The end of the path of this module's sources, which distinguishes its frames from the user's. Debug information may hold paths
  /// relative to the folder of the build.
  private static let ownFolder = "Sources/HeedDSL/"

  /// The nearest caller outside this module, from the stack; nil without debug information or a means to read it.
  ///
  /// Swift passes `#line` to functions but not to operators, so for these it is looked up, and only after an error, since it takes
  /// milliseconds.
  static func fromStack() -> CallSite? {
    #if canImport(Runtime)
      guard let trace = try? Backtrace.capture(limit: 48).symbolicated() else { return nil }
      var seenOwn = false
      for frame in trace.frames {
        guard let place = frame.symbol?.sourceLocation, !place.path.isEmpty, place.line > 0 else { continue }
        if place.path.contains(ownFolder) {
          seenOwn = true
        } else if seenOwn, !place.path.hasPrefix("<") {
          return CallSite(place.path, place.line)
        }
      }
    #endif
    return nil
  }
}

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

  /// The nearest caller outside this module, from the stack; nil without debug information or a means to read it, and where the frame of
  /// that caller is not there.
  ///
  /// Swift passes `#line` to functions but not to operators, so for these it is looked up, and only after an error, since it takes
  /// milliseconds. Optimised code may have no frame for the closure in which the operator stands: its last call reuses the frame, or the
  /// closure shares its code with others, without a line. Then what calls closures here comes before any frame of the user.
  static func fromStack() -> CallSite? {
    #if canImport(Runtime)
      guard let trace = try? Backtrace.capture(limit: 64).symbolicated() else { return nil }
      var seenOwn = false
      for frame in trace.frames {
        guard let symbol = frame.symbol, let place = symbol.sourceLocation, !place.path.isEmpty, place.line > 0 else { continue }
        if place.path.contains(ownFolder) {
          seenOwn = true
          if callers.contains(where: place.path.hasSuffix) || symbol.name.contains("asWritten") { return nil }
        } else if seenOwn, !place.path.hasPrefix("<") {
          return CallSite(place.path, place.line)
        }
      }
    #endif
    return nil
  }

  /// The files of this module that call closures of a graph.
  private static let callers = ["Graph+Builder.swift"]
}

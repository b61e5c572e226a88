import Foundation
import Heed

/// A call of the system that fails in a process, by the library that faults.c makes.
struct Fault: CustomStringConvertible {
  /// What fails: `write`, `create`, `close`, `rename`, and so on.
  var call: String
  /// The call that fails, counted from 1.
  var number = 1
  /// An error's name, `half`, `kill` or `half-kill`.
  var effect: String
  /// Whether all later calls fail too.
  var stays = false

  var description: String { "\(call):\(number)\(stays ? "+" : ""):\(effect)" }

  /// The library; nil where there is no C compiler, or the processes have a sanitizer's library, which must be the first.
  static let library: String? = {
    guard ProcessInfo.processInfo.environment["HEED_SANITIZE"] == nil,
      let folder = try? heedExecutable().deletingLastPathComponent()
    else { return nil }
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "faults.c").path
    let paths = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let compilers = paths.flatMap { ["\($0)/clang", "\($0)/cc"] }
    guard let compiler = compilers.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else { return nil }
    let (library, part) = (folder.appending(path: "faults.so").path, folder.appending(path: "faults-\(getpid()).so").path)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: compiler)
    process.arguments = ["-shared", "-fPIC", "-O1", "-o", part, source]
    try? process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0 && rename(part, library) == 0 ? library : nil
  }()

  /// What a process needs for the fault to come, and whether it did: `mark` is a file that is made then.
  func environment(mark: String) -> [String: String] {
    ["LD_PRELOAD": Self.library ?? "", "HEED_FAULT": "\(self)", "HEED_FAULT_MARK": mark]
  }

  /// What a process needs for another time of day: seconds to add, or `back`.
  static func clock(_ shift: String) -> [String: String] { ["LD_PRELOAD": library ?? "", "HEED_CLOCK": shift] }
}

/// Lets the first, the second and each further call of `fault` fail, until there are none left, and returns how many there were.
/// - Parameters:
///   - step: with 4 the first, the fifth and so on.
///   - check: runs a process with this environment and looks at what it left.
@discardableResult
func forEachCall(
  _ fault: Fault, in folder: String, step: Int = 1, _ check: (_ fault: Fault, _ environment: [String: String]) throws -> Void
) throws -> Int {
  let mark = folder + "/.mark"
  var fault = fault
  while true {
    try? FileManager.default.removeItem(atPath: mark)
    try check(fault, fault.environment(mark: mark))
    guard FileManager.default.fileExists(atPath: mark) else { return (fault.number - 1) / step }
    fault.number += step
  }
}

internal import Foundation
internal import HeedIR

/// What the operating system says of the machine that this process runs on.
package enum Host {
  /// The family of its processor.
  static var architecture: Target.Architecture {
    #if arch(arm64)
      .aarch64
    #else
      .x86
    #endif
  }

  /// The first processor's flags in /proc/cpuinfo; empty where that file does not exist.
  static let flags = Set(processorInformation("flags").map { $0.split(separator: " ").map(String.init) } ?? [])

  /// The first processor's name in /proc/cpuinfo; the architecture where it does not say.
  package static let processorName = processorInformation("model name") ?? architecture.rawValue

  private static func processorInformation(_ key: String) -> String? {
    guard let text = contents("/proc/cpuinfo"),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix(key) }),
      let colon = line.firstIndex(of: ":")
    else { return nil }
    return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
  }

  /// The first processor's caches in /sys; `typical` sizes where that does not say.
  static let caches: Target.CacheSizes = {
    var sizes = Target.CacheSizes.typical
    for index in 0..<8 {
      let folder = "/sys/devices/system/cpu/cpu0/cache/index\(index)/"
      guard let level = line(folder + "level"), let type = line(folder + "type"), type != "Instruction",
        let bytes = line(folder + "size").flatMap(byteCount)
      else { continue }
      switch level {
      case "1": sizes.level1 = bytes
      case "2": sizes.level2 = bytes
      case "3": sizes.level3 = bytes
      default: break
      }
    }
    return sizes
  }()

  /// The bytes of a size as /sys writes it: `48K`, `2M`.
  package static func byteCount(_ text: String) -> Int? {
    let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
    guard let last = text.last else { return nil }
    guard let unit = units[last] else { return Int(text) }
    return Int(text.dropLast()).map { $0 * unit }
  }

  private static func contents(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

  private static func line(_ path: String) -> String? {
    contents(path)?.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

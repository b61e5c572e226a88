// Compiles and runs every model of this folder on small random inputs, and prints what fused and how far off it was.
// Usage: models

import Foundation
import Heed

func column(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
func number(_ value: Int, _ width: Int) -> String { String(repeating: " ", count: max(0, width - "\(value)".count)) + "\(value)" }

do {
  print(column("model", 34), " lines", " fused", "softmaxes", "products", "  error")
  for example in Example.all {
    let fusion = try Fusion(example.graph)
    let error = try example.error(of: try example.graph.compile())
    print(
      column(example.title, 34), number(example.lineCount ?? 0, 6), number(fusion.attention, 6), number(fusion.softmaxes, 9),
      number(fusion.products, 8), String(format: " %.1e", error))
    for line in fusion.declined { print("    declined: \(line)") }
  }
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}

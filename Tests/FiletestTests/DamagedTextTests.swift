import Foundation
import HeedIR
import HeedTestSupport
import Testing

/// Kernels and programs whose text was damaged are an error with a place, or other kernels and programs: never a crash.
@Suite struct DamagedTextTests {
  @Test(arguments: Filetest.allPaths.filter { $0.hasPrefix("kernels/") || $0.hasPrefix("lower/") })
  func damagedFileNeverCrashes(_ path: String) throws {
    var numbers = SeededGenerator(seed: 11)
    for test in try Filetest(path: path).cases {
      let text = test.section("expected")?.joined(separator: "\n") ?? test.source
      let isProgram = text.contains("program @")
      for _ in 0..<100 {
        let damaged = numbers.damaged(text)
        do {
          if isProgram {
            for program in try Program.parse(damaged) {
              try? program.verify()
              #expect(try Program.parse(program.text).map(\.text) == [program.text])
            }
          } else {
            for kernel in try Kernel.parse(damaged) {
              try? kernel.verify()
              #expect(try Kernel.parse(kernel.text).map(\.text) == [kernel.text])
            }
          }
        } catch let error as HeedError {
          #expect(error.location != nil, "\(error) in\n\(damaged)")
        }
      }
    }
  }
}

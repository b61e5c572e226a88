import HeedCodegen
import HeedIR
import Testing

/// Register tiles of a contraction whose number of rows is known only at run time: each row then has an address of its own.
@Suite struct RegisterTileTests {
  /// An innermost loop that multiplies and adds, by the number of its instructions of a kind.
  private struct Loop {
    var instructions = 0
    var multiplyAdds = 0
    /// Vectors that are read from the stack frame or written to it.
    var spilledVectors = 0
    /// All accesses to the stack frame.
    var stackAccesses = 0
  }

  /// The innermost loops of assembly text that multiply and add.
  private func loops(_ assembly: String) -> [Loop] {
    var loops: [Loop] = []
    var label: Substring = ""
    var loop = Loop()
    for line in assembly.split(separator: "\n") {
      if line.first == "." && line.last == ":" {
        (label, loop) = (line.dropLast(), Loop())
        continue
      }
      if line.first == "\t" && !line.hasPrefix("\t.") { loop.instructions += 1 }
      let isOnStack = line.contains("(%rsp)")
      if line.contains("vfmadd") { loop.multiplyAdds += 1 }
      if isOnStack { loop.stackAccesses += 1 }
      if isOnStack && line.contains("mm") { loop.spilledVectors += 1 }
      if line.hasPrefix("\tj"), line.split(separator: "\t").last == label, loop.multiplyAdds > 0 { loops.append(loop) }
    }
    return loops
  }

  /// The loops for a left operand in a product of up to 96 rows and so many columns.
  private func loops(_ left: String, columns: Int, _ target: Target) throws -> [Loop] {
    let kernel = try Kernel.parse(
      """
      kernel @k(input %x: f32[M, N], input %y: f32[N, \(columns)], inout %z: f32[M, \(columns)]) {
        phase @run (%t : ceil(M/96)) {
          let %rows = min(M - %t*96, 96)
          let %depth = min(N, 48)
          tile %weights : f32[48, 96]
          map (%d : %depth, %r : %rows) {
            %value = load %x[%t*96 + %r, %d]
            store %value, %weights[%d, %r]
          }
          contract (%r : %rows) x (%c : \(columns)) over (%d : %depth) \(left) * %y[%d, %c] from %z[%t*96 + %r, %c] as %sum : f32 {
            store %sum, %z[%t*96 + %r, %c]
          }
        }
      }
      """)[0]
    return loops(try KernelCompiler(target: target).assembly(for: [Verified(kernel)]))
  }

  /// A left operand whose rows are far apart, and one that is transposed, so that they lie side by side.
  @Test(arguments: ["%x[%t*96 + %r, %d]", "%weights[%d, %r]"]) func tilesKeepUnitsBusyAndSumsInRegisters(left: String) throws {
    for (target, least) in [(Target.x86AVX2, 12), (.x86AVX512, 16)] {
      for columns in [32, 64, 80, 128] {
        let loops = try loops(left, columns: columns, target)
        #expect(!loops.isEmpty)
        for loop in loops {
          #expect(loop.multiplyAdds >= least, "\(columns) columns on \(target)")
          #expect(loop.spilledVectors == 0, "\(columns) columns on \(target)")
          #expect(loop.stackAccesses * 4 <= loop.multiplyAdds, "\(columns) columns on \(target)")
          // Loads, broadcasts and the loop itself: with more, processors that start four instructions per cycle wait for them.
          #expect(loop.instructions <= 2 * loop.multiplyAdds + 1, "\(columns) columns on \(target)")
        }
      }
    }
  }
}

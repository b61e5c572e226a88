import HeedIR
import HeedInterpreter
import HeedLowering
import HeedTestSupport
import Testing

/// Programs that the lowering makes are well formed, print, parse, and give by their definition what the graph gives by its own.
@Suite struct LoweredProgramTests {
  @Test(arguments: 1...60 as ClosedRange<UInt64>)
  func randomGraphs(seed: UInt64) throws {
    let random = try RandomGraph(seed: seed, options: .compiled)
    let lowered: Lowered
    do {
      lowered = try lower(try Verified(random.graph), for: .named("x86-64-avx512"))
    } catch let error as HeedError where error.message.contains("cannot compile") {
      return
    }
    let program: Verified<Program>
    do {
      program = try Verified(lowered.program)
    } catch {
      Issue.record("\(random)\n\(lowered.program.text)\n\(error)")
      return
    }
    let text = lowered.program.text
    #expect(try Program.parse(text).map(\.text) == [text], "\(random)")
    for binding in random.bindings {
      let inputs = try random.inputs(binding)
      do {
        let expected = try GraphInterpreter.evaluate(random.graph, inputs: inputs)
        let got = try ProgramEvaluator.evaluate(program, inputs: inputs)
        for ((name, expected), (_, got)) in zip(expected, got) where !Self.agree(got, expected) {
          Issue.record("%\(name) differs\n\(random)\n\(binding)\n\(expected)\n\(got)\n\(text)")
        }
      } catch {
        Issue.record("\(random)\n\(binding)\n\(text)\n\(error)")
      }
    }
  }

  /// Equal but for the rounding of what is stored on the way.
  private static func agree(_ got: ReferenceArray, _ expected: ReferenceArray) -> Bool {
    guard got.element == expected.element, got.shape == expected.shape else { return false }
    if !got.element.isFloat { return got.integers == expected.integers }
    return zip(got.reals, expected.reals).allSatisfy { a, b in
      (a.isNaN && b.isNaN) || a == b || abs(a - b) <= 1e-4 * max(1, abs(a), abs(b))
    }
  }
}

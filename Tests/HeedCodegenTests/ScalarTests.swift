import Foundation
import HeedArrays
import HeedCodegen
import HeedIR
import Testing

/// Scalars live in registers, and give the bits that tiles of one element give.
@Suite struct ScalarTests {
  /// Softmax of each row in blocks of 24 with a running maximum and sum, written with scalars, and the greatest element's index.
  private static let scalars = """
    kernel @k(input %x: f32[M, N], output %y: f32[M, N], output %best: i32[M], output %statistics: f32[M, 2]) {
      phase @rows (%r : M) {
        var %maximum : f32 = -inf
        var %sum : f32 = 0.0
        for %j = 0 to N step 24 {
          let %columns = min(N - %j, 24)
          var %block : f32 = -inf
          var %shift : f32
          map (%c : %columns) {
            %v = load %x[%r, %j + %c]
            accumulate maximum %v, %block
          }
          do {
            %old = load %maximum
            %here = load %block
            %new = maximum %old, %here
            %moved = subtract %old, %new
            %factor = exp %moved
            %l = load %sum
            %scaled = multiply %l, %factor
            store %new, %maximum
            store %new, %shift
            store %scaled, %sum
          }
          map (%c : %columns) {
            %v = load %x[%r, %j + %c]
            %s = load %shift
            %from = subtract %v, %s
            %weight = exp %from
            accumulate add %weight, %sum
          }
        }
        map (%c : N) {
          %v = load %x[%r, %c]
          %m = load %maximum
          %l = load %sum
          %from = subtract %v, %m
          %weight = exp %from
          %share = divide %weight, %l
          store %share, %y[%r, %c]
        }
        var %index : i32 = -1
        map (%c : N) {
          %v = load %x[%r, %c]
          %m = load %maximum
          %is_best = equal %v, %m
          %i = index %c : i32
          %none = constant -1 : i32
          %candidate = select %is_best, %i, %none
          accumulate maximum %candidate, %index
        }
        set %best[%r] = %index
        do {
          %m = load %maximum
          %l = load %sum
          store %m, %statistics[%r, 0]
          store %l, %statistics[%r, 1]
        }
      }
    }
    """

  /// The same with tiles of one element and maps over one point.
  private static var tiles: String {
    var text = scalars
    for (name, type, initial) in [
      ("maximum", "f32", "-inf"), ("sum", "f32", "0.0"), ("block", "f32", "-inf"), ("shift", "f32", ""), ("index", "i32", "-1"),
    ] {
      let start = initial.isEmpty ? "" : " map (%u : 1) { store \(initial), %\(name)[0] }"
      text.replace("var %\(name) : \(type)\(initial.isEmpty ? "" : " = \(initial)")", with: "tile %\(name) : \(type)[1]\(start)")
      for end in ["\n", " }"] {
        text.replace("%\(name)\(end)", with: "%\(name)[0]\(end)")
      }
    }
    text.replace("do {", with: "map (%u : 1) {")
    text.replace("set %best[%r] = %index[0]", with: "map (%u : 1) { %i = index %index[0] : i32 store %i, %best[%r] }")
    return text
  }

  @Test(arguments: runnableTargets) func bitsAreThoseOfTiles(target: Target) throws {
    let kernels = (try Kernel.parse(Self.scalars)[0], try Kernel.parse(Self.tiles)[0])
    #expect(try kernels.0.scratchByteCount() == 64 && kernels.1.scratchByteCount() > 64)
    for (m, n) in [(1, 1), (5, 3), (3, 24), (4, 100)] {
      let x = noise(m * n).map { $0 * 4 }
      func run(_ kernel: Kernel) throws -> [[UInt8]] {
        let results = [
          try NDArray(zeros: .f32, [m, n]), try NDArray(zeros: .i32, [m]), try NDArray(zeros: .f32, [m, 2]),
        ]
        try NativeKernel(kernel, target: target).run([NDArray(x, [m, n])] + results, ["M": m, "N": n])
        return results.map { Array($0.storage.bytes) }
      }
      #expect(try run(kernels.0) == run(kernels.1))
    }
  }

  @Test(arguments: Target.all) func scalarsAreInRegisters(target: Target) throws {
    let text = try KernelCompiler(target: target).llvmText(for: [Verified(Kernel.parse(Self.scalars)[0])])
    #expect(!text.contains("alloca") && !text.contains("getelementptr i8, ptr %3"), "\(target.name): \(text)")
  }

  /// Functions of blocks `cold { }` see the environment: variables, scalars that are declared outside or inside, tiles, buffers, symbols.
  @Test(arguments: runnableTargets) func coldBlocksMeanWhatTheirStatementsMean(target: Target) throws {
    let text = """
      kernel @k(input %x: f32[M, N], output %y: f32[M, N], output %count: i32[M]) {
        phase @rows (%r : M) {
          tile %row : f32[64]
          var %found : i32 = 0
          let %last = N - 1
          for %j = 0 to N step 48 {
            let %columns = min(N - %j, 48)
            var %negative : i32 = 0
            map (%c : %columns) {
              %v = load %x[%r, %j + %c]
              %is = less %v, 0.0
              %one = convert %is : i32
              store %v, %row[%c]
              accumulate maximum %one, %negative
            }
            if %negative != 0 {
              COLD
                var %sum : f32 = 0.0
                tile %half : f32[64]
                map (%c : %columns) {
                  %v = load %x[%r, %last - %j - %c]
                  %h = multiply %v, 0.5
                  store %h, %half[%c]
                  accumulate add %h, %sum
                }
                if 0 < %found {
                  COLD
                    map (%c : %columns) {
                      %s = load %sum
                      %h = load %half[%c]
                      %t = add %s, %h
                      store %t, %row[%c]
                    }
                  END
                }
                set %found = %found + %columns + %r
              END
            }
            map (%c : %columns) {
              %v = load %row[%c]
              store %v, %y[%r, %j + %c]
            }
          }
          COLD set %count[%r] = %found END
        }
      }
      """
    let cold = text.replacingOccurrences(of: "COLD", with: "cold {").replacingOccurrences(of: "END", with: "}")
    let inline = text.replacingOccurrences(of: "COLD", with: "if 0 <= %r {").replacingOccurrences(of: "END", with: "}")
    #expect(try Kernel.parse(cold)[0].description.components(separatedBy: "cold {").count == 4)
    for (m, n) in [(1, 1), (5, 47), (3, 96), (4, 200)] {
      let x = noise(m * n)
      func run(_ text: String) throws -> [[UInt8]] {
        let results = [try NDArray(zeros: .f32, [m, n]), try NDArray(zeros: .i32, [m])]
        try NativeKernel(try Kernel.parse(text)[0], target: target).run([NDArray(x, [m, n])] + results, ["M": m, "N": n])
        return results.map { Array($0.storage.bytes) }
      }
      let results = try run(cold)
      #expect(try results == run(inline))
      #expect(m * n < 10 || results[1].contains { $0 != 0 })
    }
  }

  /// The number of points is 0 where a phase's condition is false.
  @Test func pointsOfAPhaseUnderACondition() throws {
    let text = """
      kernel @k(input %limit: i32, output %y: i32[S]) {
        phase @some (%i : S) if %limit < S { set %y[%i] = 1 }
        phase @never (%i : S) if 1 == 0 { set %y[%i] = 2 }
        phase @always (%i : S) if 1 == 1 { if %limit == 7 { set %y[%i] = 3 } }
      }
      """
    let kernel = try NativeKernel(text)
    for (limit, expected) in [(4, 1), (5, 0), (7, 3)] {
      let y = try NDArray(zeros: .i32, [5])
      try kernel.run([NDArray([Int32(limit)], []), y], ["S": 5])
      #expect(y.values(as: Int32.self) == Array(repeating: Int32(expected), count: 5))
    }
  }
}

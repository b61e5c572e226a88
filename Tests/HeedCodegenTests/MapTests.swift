import Foundation
import HeedArrays
import HeedCodegen
import HeedIR
import HeedRuntime
import Testing

/// Maps, against plain loops in Swift.
@Suite struct MapTests {
  /// Lengths around vectors' widths.
  static let lengths = [0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 64, 100]

  @Test(arguments: runnableTargets) func elementwiseAtEveryLength(target: Target) throws {
    let kernel = try NativeKernel(
      """
      kernel @k(input %x: f32[N], input %y: f32[N], output %z: f32[N]) {
        phase @run (%p : 1) {
          map (%i : N) {
            %a = load %x[%i] : f32
            %b = load %y[%i] : f32
            %c = multiply %a, %b : f32
            %d = add %c, 0.5 : f32
            %e = maximum %d, %a : f32
            store %e, %z[%i]
          }
        }
      }
      """, target: target)
    for length in Self.lengths {
      let (x, y) = (noise(length), noise(length, seed: 2))
      let z = try NDArray(zeros: .f32, [length])
      try kernel.run([NDArray(x, [length]), NDArray(y, [length]), z], ["N": length])
      #expect(z.values(as: Float.self) == zip(x, y).map { max($0 * $1 + 0.5, $0) })
    }
  }

  @Test(arguments: runnableTargets) func transposeGathers(target: Target) throws {
    let kernel = try NativeKernel(
      """
      kernel @k(input %x: f32[M, N], output %z: f32[N, M]) {
        phase @run (%i : N) {
          map (%j : M) {
            %a = load %x[%j, %i] : f32
            store %a, %z[%i, %j]
          }
        }
      }
      """, target: target)
    for (m, n) in [(1, 1), (5, 3), (16, 16), (33, 7)] {
      let x = noise(m * n)
      let z = try NDArray(zeros: .f32, [n, m])
      try kernel.run([NDArray(x, [m, n]), z], ["M": m, "N": n])
      #expect(z.values(as: Float.self) == (0..<n).flatMap { i in (0..<m).map { x[$0 * n + i] } })
    }
  }

  @Test(arguments: runnableTargets) func guardedIndicesStayInside(target: Target) throws {
    let kernel = try NativeKernel(
      """
      kernel @k(input %x: f32[N], output %z: f32[40], output %w: f32[N]) {
        phase @run (%p : 1) {
          map (%i : 40) {
            %a = load %x[(%i - 3)?] else -7.0 : f32
            store %a, %z[%i]
            store %a, %w[(%i - 3)?]
          }
        }
      }
      """, target: target)
    for length in [0, 1, 12, 16, 17, 32, 37] {
      let x = noise(length)
      let (z, w) = (try NDArray(zeros: .f32, [40]), try NDArray(zeros: .f32, [length]))
      try kernel.run([NDArray(x, [length]), z, w], ["N": length])
      #expect(z.values(as: Float.self) == (0..<40).map { $0 >= 3 && $0 - 3 < length ? x[$0 - 3] : -7 })
      #expect(w.values(as: Float.self) == x)
    }
  }

  @Test(arguments: runnableTargets) func accumulatesOverBothDimensions(target: Target) throws {
    let kernel = try NativeKernel(
      """
      kernel @k(input %x: f32[M, N], output %rows: f32[M], output %columns: f32[N], output %top: f32[1]) {
        phase @run (%p : 1) {
          map (%i : M) { store 0.0, %rows[%i] }
          map (%i : N) { store 0.0, %columns[%i] }
          map (%i : 1) { store -inf, %top[%i] }
          map (%i : M, %j : N) {
            %a = load %x[%i, %j] : f32
            accumulate add %a, %rows[%i]
            accumulate add %a, %columns[%j]
            accumulate maximum %a, %top[0]
          }
        }
      }
      """, target: target)
    for (m, n) in [(1, 1), (5, 3), (16, 16), (33, 71), (3, 0)] {
      // Small whole numbers: sums are exact in any order.
      let x = noise(m * n).map { ($0 * 100).rounded() }
      let (rows, columns, top) = (try NDArray(zeros: .f32, [m]), try NDArray(zeros: .f32, [n]), try NDArray(zeros: .f32, [1]))
      try kernel.run([NDArray(x, [m, n]), rows, columns, top], ["M": m, "N": n])
      #expect(rows.values(as: Float.self) == (0..<m).map { i in (0..<n).reduce(0) { $0 + x[i * n + $1] } })
      #expect(columns.values(as: Float.self) == (0..<n).map { j in (0..<m).reduce(0) { $0 + x[$1 * n + j] } })
      #expect(top.values(as: Float.self) == [x.max() ?? -.infinity])
    }
  }

  @Test(arguments: runnableTargets) func indirectRowsAndBlockDivision(target: Target) throws {
    let kernel = try NativeKernel(
      """
      kernel @k(input %table: f32[V, 48], input %ids: i32[N], output %z: f32[N, 3, 16], output %where: i32[N, 48]) {
        phase @run (%n : N) {
          map (%c : 48) {
            %a = load %table[%ids[%n], %c] : f32
            store %a, %z[%n, %c/16, %c % 16]
            %i = index %n*100 + %c : i32
            store %i, %where[%n, %c]
          }
        }
      }
      """, target: target)
    let table = noise(10 * 48)
    let ids: [Int32] = [3, 0, 9, 9, 1]
    let (z, places) = (try NDArray(zeros: .f32, [5, 3, 16]), try NDArray(zeros: .i32, [5, 48]))
    try kernel.run([NDArray(table, [10, 48]), NDArray(ids, [5]), z, places], ["V": 10, "N": 5])
    #expect(z.values(as: Float.self) == ids.flatMap { table[Int($0) * 48..<(Int($0) + 1) * 48] })
    #expect(places.values(as: Int32.self) == (0..<5).flatMap { n in (0..<48).map { Int32(n * 100 + $0) } })
  }

  @Test(arguments: runnableTargets) func loopsBranchesAndTiles(target: Target) throws {
    // Sums of blocks of 10, with another sign for the odd blocks.
    let kernel = try NativeKernel(
      """
      kernel @k(input %x: f32[N], output %z: f32[ceil(N/10)]) {
        phase @run (%p : ceil(N/20)) {
          for %b = 0 to min(ceil(N/10) - %p*2, 2) step 1 {
            let %block = %p*2 + %b
            let %count = min(N - %block*10, 10)
            tile %part : f32[10]
            map (%i : %count) {
              %a = load %x[%block*10 + %i] : f32
              store %a, %part[%i]
            }
            if %block % 2 == 1 {
              map (%i : %count) {
                %a = load %part[%i] : f32
                %n = negate %a : f32
                store %n, %part[%i]
              }
            }
            map (%i : 1) { store 0.0, %z[%block] }
            map (%i : %count) {
              %a = load %part[%i] : f32
              accumulate add %a, %z[%block]
            }
          }
        }
      }
      """, target: target)
    for length in [1, 10, 11, 59, 80] {
      let x = noise(length).map { ($0 * 100).rounded() }
      let z = try NDArray(zeros: .f32, [(length + 9) / 10])
      try kernel.run([NDArray(x, [length]), z], ["N": length])
      let expected = stride(from: 0, to: length, by: 10).map { start in
        x[start..<min(start + 10, length)].reduce(0, +) * (start / 10 % 2 == 1 ? -1 : 1)
      }
      #expect(z.values(as: Float.self) == expected)
    }
  }

  @Test func addressesAreCheckedWhereTheSanitizerIs() throws {
    let kernel = try Kernel.parse(
      """
      kernel @k(output %z: f32[N]) {
        phase @run (%p : 1) { map (%i : N) { store 1.0, %z[%i] } }
      }
      """)[0]
    let text = try KernelCompiler(target: .host).llvmText(for: [Verified(kernel)])
    #expect(text.contains("k.run.run"))
    let isAsked = ProcessInfo.processInfo.environment["HEED_SANITIZE"] == "address"
    #expect(text.contains("__asan_report") == isAsked)
  }
}

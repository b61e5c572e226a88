import HeedArrays
import HeedIR
import Testing

/// Contractions, against plain loops in Swift. Small whole numbers, so that sums are exact in any order.
@Suite struct ContractionTests {
  private func whole(_ count: Int, seed: UInt64) -> [Float] { noise(count, seed: seed).map { ($0 * 8).rounded() } }

  @Test(arguments: runnableTargets) func rowMajorProductWithRuntimeExtents(target: Target) throws {
    let kernel = try NativeKernel(
      """
      kernel @k(input %a: f32[M, K], input %b: f32[K, N], input %c: f32[M, N], output %z: f32[M, N], output %top: f32[M]) {
        phase @run (%p : 1) {
          map (%i : M) { store -inf, %top[%i] }
          contract (%i : M) x (%j : N) over (%k : K) %a[%i, %k] * %b[%k, %j] from %c[%i, %j] as %x : f32 {
            store %x, %z[%i, %j]
            accumulate maximum %x, %top[%i]
          }
        }
      }
      """, target: target)
    for (m, n, k) in [(1, 1, 1), (5, 3, 2), (8, 48, 16), (13, 100, 7), (20, 65, 0), (9, 31, 5)] {
      let (a, b, c) = (whole(m * k, seed: 1), whole(k * n, seed: 2), whole(m * n, seed: 3))
      let (z, top) = (try NDArray(zeros: .f32, [m, n]), try NDArray(zeros: .f32, [m]))
      try kernel.run([NDArray(a, [m, k]), NDArray(b, [k, n]), NDArray(c, [m, n]), z, top], ["M": m, "N": n, "K": k])
      let expected = (0..<m * n).map { e in (0..<k).reduce(c[e]) { $0 + a[e / n * k + $1] * b[$1 * n + e % n] } }
      #expect(z.values(as: Float.self) == expected, "\(m) x \(n) x \(k)")
      #expect(top.values(as: Float.self) == (0..<m).map { expected[$0 * n..<($0 + 1) * n].max()! })
    }
  }

  @Test(arguments: runnableTargets) func panelsWithConstantExtents(target: Target) throws {
    for (rows, columns) in [(8, 48), (7, 20), (96, 64)] {
      let kernel = try NativeKernel(
        """
        kernel @k(input %a: f32[\(rows), 24], input %b: f32[P, 24, \(columns)], output %z: f32[\(rows), P, \(columns)]) {
          phase @run (%t : 1) {
            contract (%i : \(rows)) x (%p : P, %c : \(columns)) over (%k : 24) %a[%i, %k] * %b[%p, %k, %c] as %x : f32 {
              %y = add %x, 1.0 : f32
              store %y, %z[%i, %p, %c]
            }
          }
        }
        """, target: target)
      for panels in [0, 1, 3] {
        let (a, b) = (whole(rows * 24, seed: 1), whole(panels * 24 * columns, seed: 2))
        let z = try NDArray(zeros: .f32, [rows, panels, columns])
        try kernel.run([NDArray(a, [rows, 24]), NDArray(b, [panels, 24, columns]), z], ["P": panels])
        let expected = (0..<rows).flatMap { i in
          (0..<panels * columns).map { e in
            (0..<24).reduce(Float(1)) { $0 + a[i * 24 + $1] * b[(e / columns * 24 + $1) * columns + e % columns] }
          }
        }
        #expect(z.values(as: Float.self) == expected, "\(rows) x \(panels) x \(columns)")
      }
    }
  }

  @Test(arguments: runnableTargets) func transposedOperandAndTwoContractedDimensions(target: Target) throws {
    // The right operand has no unit stride along the columns.
    let kernel = try NativeKernel(
      """
      kernel @k(input %a: f32[M, 2, K], input %b: f32[N, 2, K], output %z: f32[M, N]) {
        phase @run (%t : 1) {
          contract (%i : M) x (%j : N) over (%h : 2, %k : K) %a[%i, %h, %k] * %b[%j, %h, %k] as %x : f32 { store %x, %z[%i, %j] }
        }
      }
      """, target: target)
    for (m, n, k) in [(1, 1, 1), (5, 19, 7), (8, 16, 9)] {
      let (a, b) = (whole(m * 2 * k, seed: 1), whole(n * 2 * k, seed: 2))
      let z = try NDArray(zeros: .f32, [m, n])
      try kernel.run([NDArray(a, [m, 2, k]), NDArray(b, [n, 2, k]), z], ["M": m, "N": n, "K": k])
      let expected = (0..<m * n).map { e in (0..<2 * k).reduce(Float(0)) { $0 + a[e / n * 2 * k + $1] * b[e % n * 2 * k + $1] } }
      #expect(z.values(as: Float.self) == expected)
    }
  }

  @Test(arguments: runnableTargets) func longEpilogueRunsInALoop(target: Target) throws {
    let steps = (1...24).map { "%y\($0) = add %y\($0 - 1), 1.0 : f32" }.joined(separator: "\n")
    for columns in ["40", "N"] {
      let kernel = try NativeKernel(
        """
        kernel @k(input %a: f32[M, K], input %b: f32[K, \(columns)], output %z: f32[M, \(columns)], output %sum: f32[M]) {
          phase @run (%p : 1) {
            map (%i : M) { store 0.0, %sum[%i] }
            contract (%i : M) x (%j : \(columns)) over (%k : K) %a[%i, %k] * %b[%k, %j] as %x : f32 {
              %y0 = add %x, 1.0 : f32
              \(steps)
              store %y24, %z[%i, %j]
              accumulate add %y24, %sum[%i]
            }
          }
        }
        """, target: target)
      let n = Int(columns) ?? 37
      for (m, k) in [(1, 3), (9, 4), (17, 2)] {
        let (a, b) = (whole(m * k, seed: 1), whole(k * n, seed: 2))
        let (z, sum) = (try NDArray(zeros: .f32, [m, n]), try NDArray(zeros: .f32, [m]))
        try kernel.run([NDArray(a, [m, k]), NDArray(b, [k, n]), z, sum], ["M": m, "N": n, "K": k])
        let expected = (0..<m * n).map { e in (0..<k).reduce(Float(25)) { $0 + a[e / n * k + $1] * b[$1 * n + e % n] } }
        #expect(z.values(as: Float.self) == expected)
        #expect(sum.values(as: Float.self) == (0..<m).map { expected[$0 * n..<($0 + 1) * n].reduce(0, +) })
      }
    }
  }
}

import Foundation
import HeedArrays
import HeedCodegen
import HeedIR
import Testing

/// Maps that store along another dimension than they load along: blocks transposed in registers and what is left beside them.
@Suite struct TransposeTests {
  /// `rows` x `columns` elements of a type whose bits are all different, small numbers.
  private func source(_ element: ElementType, _ rows: Int, _ columns: Int) throws -> NDArray {
    let array = try NDArray(zeros: element, [rows, columns])
    for position in 0..<rows * columns { array.setNumber(position, Double(position % 251) + 1) }
    return array
  }

  private func packed(_ kernel: borrowing NativeKernel, _ input: NDArray, _ output: NDArray, _ symbols: [String: Int]) throws
    -> [Double]
  {
    try kernel.run([input, output], symbols)
    return output.numbers()
  }

  /// Sides of one and several blocks, smaller ones, and what fills none.
  static let sides = [(1, 1), (3, 5), (4, 4), (16, 16), (17, 33), (40, 24), (8, 100), (64, 48), (31, 47)]

  @Test(arguments: runnableTargets, [ElementType.f32, .bf16, .f16, .f64, .i32, .i64, .u8, .bool])
  func transposes(target: Target, element: ElementType) throws {
    let kernel = try NativeKernel(
      """
      kernel @k(input %x: \(element)[M, N], output %z: \(element)[N, M]) {
        phase @run (%p : 1) {
          map (%i : N, %j : M) {
            %a = load %x[%j, %i]
            store %a, %z[%i, %j]
          }
        }
      }
      """, target: target)
    for (m, n) in Self.sides {
      let x = try source(element, m, n)
      let z = try packed(kernel, x, NDArray(zeros: element, [n, m]), ["M": m, "N": n])
      let expected = x.numbers()
      let turned: [Double] = (0..<n).flatMap { i in (0..<m).map { expected[$0 * n + i] } }
      #expect(z == turned, "\(m) x \(n)")
    }
  }

  @Test(
    arguments: runnableTargets, [(ElementType.f32, ElementType.f32), (.bf16, .f32), (.bf16, .bf16), (.f32, .bf16), (.f64, .f64)])
  func packsKeysByPanels(target: Target, elements: (ElementType, ElementType)) throws {
    let (element, result) = elements
    for depth in [1, 4, 13, 16, 40, 64, 72] {
      let kernel = try NativeKernel(
        """
        kernel @k(input %k: \(element)[S, \(depth)], output %panels: \(result)[ceil(S/48), \(depth), 48]) {
          phase @pack (%p : ceil(S/48)) {
            map (%d : \(depth), %c : 48) {
              %0 = load %k[(%p*48 + %c)?, %d] else 7.0
              %1 = convert %0 : \(result)
              %2 = multiply %1, 2.0 : \(result)
              store %2, %panels[%p, %d, %c]
            }
          }
        }
        """, target: target)
      for keys in [1, 15, 16, 47, 48, 49, 90, 97] {
        let panels = (keys + 47) / 48
        let k = try source(element, keys, depth)
        let z = try packed(kernel, k, NDArray(zeros: result, [panels, depth, 48]), ["S": keys])
        let expected = k.numbers()
        let packed: [Double] = (0..<panels * depth * 48).map { (position: Int) -> Double in
          let (panel, d, c) = (position / (depth * 48), position / 48 % depth, position % 48)
          let key = panel * 48 + c
          return 2 * (key < keys ? expected[key * depth + d] : 7)
        }
        #expect(z == packed, "\(keys) keys of \(depth)")
      }
    }
  }

  @Test(
    arguments: runnableTargets, [(ElementType.bf16, ElementType.bf16), (.f16, .f16), (.f32, .bf16), (.f32, .f32), (.f64, .f64)])
  func packsPairsAlongTheDepth(target: Target, elements: (ElementType, ElementType)) throws {
    let (element, result) = elements
    for depth in [1, 2, 8, 13, 31, 32, 64, 80] {
      let pairs = (depth + 1) / 2
      let kernel = try NativeKernel(
        """
        kernel @k(input %k: \(element)[S, \(depth)], output %panels: \(result)[ceil(S/48), \(pairs), 48, 2]) {
          phase @pack (%p : ceil(S/48)) {
            map (%d : \(pairs), %c : 48, %u : 2) {
              %0 = load %k[(%p*48 + %c)?, (%d*2 + %u)?] else -1.0
              %1 = convert %0 : \(result)
              store %1, %panels[%p, %d, %c, %u]
            }
          }
        }
        """, target: target)
      for keys in [1, 16, 47, 48, 100] {
        let panels = (keys + 47) / 48
        let k = try source(element, keys, depth)
        let z = try packed(kernel, k, NDArray(zeros: result, [panels, pairs, 48, 2]), ["S": keys])
        let expected = k.numbers()
        let packed: [Double] = (0..<panels * pairs * 96).map { (position: Int) -> Double in
          let (panel, d, c) = (position / (pairs * 96), position / 96 % pairs * 2 + position % 2, position / 2 % 48)
          let key = panel * 48 + c
          return key < keys && d < depth ? expected[key * depth + d] : -1
        }
        #expect(z == packed, "\(keys) keys of \(depth)")
      }
    }
  }

  @Test(
    arguments: runnableTargets, [(ElementType.bf16, ElementType.bf16), (.f16, .f16), (.f32, .bf16), (.f32, .f32), (.bf16, .f64)])
  func packsPairsOfRows(target: Target, elements: (ElementType, ElementType)) throws {
    let (element, result) = elements
    for width in [1, 5, 16, 48, 64, 72] {
      let kernel = try NativeKernel(
        """
        kernel @k(input %v: \(element)[S, \(width)], output %pairs: \(result)[ceil(S/2), \(width), 2]) {
          phase @pack (%j : ceil(S/2)) {
            map (%e : \(width), %u : 2) {
              %0 = load %v[(%j*2 + %u)?, %e]
              %1 = convert %0 : \(result)
              store %1, %pairs[%j, %e, %u]
            }
          }
        }
        """, target: target)
      for rows in [1, 2, 7] {
        let v = try source(element, rows, width)
        let pairs = (rows + 1) / 2
        let z = try packed(kernel, v, NDArray(zeros: result, [pairs, width, 2]), ["S": rows])
        let expected = v.numbers()
        let packed: [Double] = (0..<pairs * width * 2).map { (position: Int) -> Double in
          let (row, e) = (position / (2 * width) * 2 + position % 2, position / 2 % width)
          return row < rows ? expected[row * width + e] : 0
        }
        #expect(z == packed, "\(rows) rows of \(width)")
      }
    }
  }

  @Test(arguments: runnableTargets) func packsPairsOfRowsByPanels(target: Target) throws {
    for (depth, columns) in [(6, 96), (5, 50), (8, 33), (1, 1)] {
      let (panels, pairs) = ((columns + 47) / 48, (depth + 1) / 2)
      let kernel = try NativeKernel(
        """
        kernel @k(input %w: f32[\(depth), N], output %panels: bf16[ceil(N/48), \(pairs), 48, 2]) {
          phase @pack (%p : ceil(N/48)) {
            map (%d : \(pairs), %c : 48, %u : 2) {
              %0 = load %w[(%d*2 + %u)?, (%p*48 + %c)?] else -1.0
              store %0, %panels[%p, %d, %c, %u]
            }
          }
        }
        """, target: target)
      let w = try source(.f32, depth, columns)
      let z = try packed(kernel, w, NDArray(zeros: .bf16, [panels, pairs, 48, 2]), ["N": columns])
      let expected = w.numbers()
      let packed: [Double] = (0..<panels * pairs * 96).map { (position: Int) -> Double in
        let (panel, d, c) = (position / (pairs * 96), position / 96 % pairs * 2 + position % 2, position / 2 % 48)
        let column = panel * 48 + c
        return column < columns && d < depth ? expected[d * columns + column] : -1
      }
      #expect(z == packed, "\(depth) x \(columns)")
    }
  }

  @Test(arguments: runnableTargets) func longBodiesAndOtherOperands(target: Target) throws {
    // The body takes a vector along the columns, a number of the row, and the position; it runs in a loop over the lines.
    let kernel = try NativeKernel(
      """
      kernel @k(input %x: f32[M, N], input %row: f32[N], input %y: f32[N, M], inout %w: f32[N, M], output %z: f32[N, M]) {
        phase @run (%p : 1) {
          map (%i : N, %j : M) {
            %a = load %x[%j, %i]
            %b = load %row[%i]
            %c = load %y[%i, %j]
            %d = multiply %a, %b
            %e = add %d, %c
            %f = index %i*3 + %j : i32
            %g = convert %f : f32
            %h = add %e, %g
            store %h, %z[%i, %j]
            store %d, %w[%i, %j]
          }
        }
      }
      """, target: target)
    for (m, n) in Self.sides {
      let whole = { (count: Int, seed: UInt64) in noise(count, seed: seed).map { ($0 * 8).rounded() } }
      let (x, row, y) = (whole(m * n, 1), whole(n, 2), whole(m * n, 3))
      let (w, z) = (try NDArray(zeros: .f32, [n, m]), try NDArray(zeros: .f32, [n, m]))
      try kernel.run([NDArray(x, [m, n]), NDArray(row, [n]), NDArray(y, [n, m]), w, z], ["M": m, "N": n])
      let products: [Float] = (0..<n).flatMap { i in (0..<m).map { x[$0 * n + i] * row[i] } }
      #expect(w.values(as: Float.self) == products, "\(m) x \(n)")
      let sums: [Float] = products.indices.map { products[$0] + y[$0] + Float($0 / m * 3 + $0 % m) }
      #expect(z.values(as: Float.self) == sums, "\(m) x \(n)")
    }
  }

  @Test(arguments: runnableTargets) func copiesOfNarrowFloatsKeepTheirBits(target: Target) throws {
    // Numbers below the least normal one, infinities and NaNs with a payload.
    let bits: [UInt16] = (0..<48 * 4).map { [0, 1, 0x8001, 0x7f80, 0x7fa1, 0xffc3, 0x3f80, 0x007f][$0 % 8] &+ UInt16($0 / 8 % 2) }
    let kernel = try NativeKernel(
      """
      kernel @k(input %x: bf16[48, 4], output %copy: bf16[48, 4], output %turned: bf16[4, 48], output %pairs: bf16[2, 48, 2]) {
        phase @run (%p : 1) {
          map (%i : 48, %j : 4) { %a = load %x[%i, %j]  store %a, %copy[%i, %j] }
          map (%j : 4, %i : 48) { %a = load %x[%i, %j]  store %a, %turned[%j, %i] }
          map (%d : 2, %i : 48, %u : 2) { %a = load %x[%i, %d*2 + %u]  store %a, %pairs[%d, %i, %u] }
        }
      }
      """, target: target)
    let x = try NDArray(zeros: .bf16, [48, 4])
    for (position, pattern) in bits.enumerated() {
      x.storage.bytes.storeBytes(of: pattern, toByteOffset: 2 * position, as: UInt16.self)
    }
    let results = try [[48, 4], [4, 48], [2, 48, 2]].map { try NDArray(zeros: .bf16, $0) }
    try kernel.run([x] + results, [:])
    func stored(_ array: NDArray) -> [UInt16] { array.bytes.withMemoryRebound(to: UInt16.self) { Array($0) } }
    #expect(stored(results[0]) == bits)
    let turned: [UInt16] = (0..<192).map { bits[$0 % 48 * 4 + $0 / 48] }
    #expect(stored(results[1]) == turned)
    let pairs: [UInt16] = (0..<192).map { bits[$0 / 2 % 48 * 4 + $0 / 96 * 2 + $0 % 2] }
    #expect(stored(results[2]) == pairs)
  }
}

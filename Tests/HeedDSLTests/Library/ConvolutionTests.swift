import HeedDSL
import HeedIR
import Testing

/// Convolutions against the definition, and the norms that go with them.
@Suite struct ConvolutionTests {
  /// One convolution: extents, and how the kernel moves.
  struct Case: Sendable, CustomTestStringConvertible {
    var outputs = 6
    var kernel = (rows: 3, columns: 2)
    var stride = (rows: 1, columns: 1)
    var padding = (rows: 0, columns: 0)
    var dilation = (rows: 1, columns: 1)
    var groups = 1

    // What all have.
    let batch = 2
    let channels = 4
    let rows = 6
    let columns = 5

    var testDescription: String { "kernel \(kernel), stride \(stride), padding \(padding), dilation \(dilation), groups \(groups)" }

    /// The sums by the definition: `[batch, outputs, rows', columns']`.
    func reference(_ x: ReferenceArray, _ weight: ReferenceArray) -> ReferenceArray {
      let heights = (rows + 2 * padding.rows - dilation.rows * (kernel.rows - 1) - 1) / stride.rows + 1
      let widths = (columns + 2 * padding.columns - dilation.columns * (kernel.columns - 1) - 1) / stride.columns + 1
      return .generated(.f32, [batch, outputs, heights, widths]) { at in
        var sum = 0.0
        let size = channels / groups
        for c in 0..<size {
          for i in 0..<kernel.rows {
            for j in 0..<kernel.columns {
              let row = at[2] * stride.rows + i * dilation.rows - padding.rows
              let column = at[3] * stride.columns + j * dilation.columns - padding.columns
              guard 0..<rows ~= row, 0..<columns ~= column else { continue }
              let channel = at[1] / (outputs / groups) * size + c
              sum += x.reals[x.position([at[0], channel, row, column])] * weight.reals[weight.position([at[1], c, i, j])]
            }
          }
        }
        return Literal(sum)
      }
    }
  }

  static let cases: [Case] = [
    Case(), Case(stride: (2, 2), padding: (1, 1)), Case(padding: (2, 1), dilation: (2, 3)), Case(groups: 2),
    // Patches: the stride is the kernel, with and without a rest.
    Case(stride: (3, 2)), Case(stride: (3, 2), padding: (1, 1), groups: 2), Case(kernel: (1, 1)),
    Case(kernel: (1, 1), stride: (2, 3)),
    // Depthwise.
    Case(outputs: 4, groups: 4), Case(outputs: 4, stride: (2, 1), padding: (1, 2), dilation: (1, 2), groups: 4),
    Case(outputs: 8, groups: 4),
  ]

  private func numbers(_ shape: [Int]) -> ReferenceArray {
    .generated(.f32, shape) { at in Literal(Double(at.reduce(3) { $0 * 7 + $1 } % 11) - 5) }
  }

  @Test(arguments: cases, [true, false]) func twoDimensions(_ test: Case, _ isKnown: Bool) throws {
    let x = numbers([test.batch, test.channels, test.rows, test.columns])
    let weight = numbers([test.outputs, test.channels / test.groups, test.kernel.rows, test.kernel.columns])
    let bias = numbers([test.outputs])
    let results = try run(["x": x, "w": weight, "b": bias]) { g in
      let image: Shape = isKnown ? [2, 4, 6, 5] : ["B", 4, "H", "W"]
      let (x, w) = (g.input("x", .f32, image), g.input("w", .f32, Shape(weight.shape.map { Extent($0) })))
      func convolve(_ bias: Tensor?) -> Tensor {
        convolution2D(
          x, w, bias: bias, stride: test.stride, padding: test.padding, dilation: test.dilation, groups: test.groups)
      }
      return [convolve(nil), convolve(g.input("b", .f32, [Extent(test.outputs)]))]
    }
    let expected = test.reference(x, weight)
    #expect(results[0] == expected)
    #expect(results[1] == .generated(.f32, expected.shape) { Literal(expected.reals[expected.position($0)] + bias.reals[$0[1]]) })
  }

  @Test func oneDimension() throws {
    let results = try run(["x": reals([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 4])]) { g in
      let x = g.input("x", .f32, ["B", 2, "S"])
      let (w, each) = (g.constant([1, 0, 0, 1], shape: [1, 2, 2]), g.constant([1, 2, 3, 4], shape: [2, 1, 2]))
      return [
        convolution1D(x, w), convolution1D(x, w, stride: 2, padding: 1),
        convolution1D(x.padded(low: [0, 0, 1], high: [0, 0, 0]), each, groups: 2),
      ]
    }
    #expect(results[0] == reals([7, 9, 11], [1, 1, 3]))
    #expect(results[1] == reals([5, 9, 4], [1, 1, 3]))
    #expect(results[2] == reals([2, 5, 8, 11, 20, 39, 46, 53], [1, 2, 4]))
  }

  @Test func normsOfChannels() throws {
    let x = reals([1, 3, 5, 7, 2, 2, 4, 4], [1, 4, 2], .f64)
    let numbers = ["m": [1, 2, 3, 4], "v": [4, 1, 0.25, 1], "s": [1, 2, 1, -1], "b": [0, 1, 0, 5]] as [String: [Double]]
    let results = try run(numbers.mapValues { reals($0, nil, .f64) }.merging(["x": x]) { a, _ in a }) { g in
      func channel(_ name: String) -> Tensor { g.input(name, .f64, [4]) }
      let (x, s, b) = (g.input("x", .f64, ["B", 4, "S"]), channel("s"), channel("b"))
      return [
        batchNorm(x, mean: channel("m"), variance: channel("v"), scale: s, bias: b, epsilon: 0),
        groupNorm(x, groups: 2, scale: s, bias: b, epsilon: 0),
      ]
    }
    #expect(isNear(results[0], reals([0, 1, 7, 11, -2, -2, 5, 5], [1, 4, 2], .f64)))
    let root = Double(5).squareRoot()
    #expect(
      isNear(results[1], reals([-3 / root, -1 / root, 1 + 2 / root, 1 + 6 / root, -1, -1, 4, 4], [1, 4, 2], .f64)))
  }
}

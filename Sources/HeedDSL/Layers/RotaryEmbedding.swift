import HeedIR

/// Rotary position embedding: pair p of a row at position t is rotated by the angle `t / base^(2p / size)`.
public struct RotaryEmbedding {
  /// Elements of a row; even.
  public let size: Int
  /// What the frequencies are powers of.
  public let base: Double
  /// Whether a pair is two neighbours; otherwise it is an element of the first half and one of the second.
  public let isInterleaved: Bool

  /// A rotation of rows of `size` elements.
  public init(size: Int, base: Double = 10000, isInterleaved: Bool = false) {
    (self.size, self.base, self.isInterleaved) = (size, base, isInterleaved)
  }

  /// The rows of `x`, `[..., rows, size]`, rotated by their positions: integers `[rows]`, by default 0, 1, 2, ...
  public func callAsFunction(_ x: Tensor, positions: Tensor? = nil, file: String = #filePath, line: Int = #line) -> Tensor {
    let g = x.builder
    return g.located(file, line) {
      guard x.rank >= 2, size > 0, size % 2 == 0, x.extent(-1) == Extent(size) else {
        return g.fail("RotaryEmbedding: got \(x.summary), expected rows of \(size), an even number", nil, guess: x.type)
      }
      let rows = x.extent(-2)
      let positions = positions ?? g.iota([rows])
      let angles = positionAngles(positions, size: size, base: base, as: x.element.computed)
      let (cosines, sines) = (cos(angles).cast(to: x.element), sin(angles).cast(to: x.element))
      return rotary(x, cosines: cosines, sines: sines, interleaved: isInterleaved)
    }
  }
}

/// The angles `t / base^(2p / size)` of positions t `[rows]` and pairs p: `[rows, size/2]`. In 16 bits most positions would be rounded.
func positionAngles(_ positions: Tensor, size: Int, base: Double, as element: ElementType) -> Tensor {
  let (g, most) = (positions.builder, 1 << 20)
  guard size >= 2, size <= most, size % 2 == 0 else {
    let guess = TensorType(element, Shape(positions.shape.extents + [1]))
    return g.fail("got embeddings of \(size) elements, expected an even number from 2 to \(most)", nil, guess: guess)
  }
  let frequencies = g.constant((0..<(size / 2)).map { 1 / power(base, 2 * Double($0) / Double(size)) }, element)
  return positions.cast(to: element).expandingDimension(1) * frequencies
}

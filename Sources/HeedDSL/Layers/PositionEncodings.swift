import Foundation
public import HeedIR

func power(_ base: Double, _ exponent: Double) -> Double { Foundation.pow(base, exponent) }

/// The sinusoidal encoding of positions, integers `[rows]`: `[rows, size]`, to be added to embeddings.
///
/// With the angles `t / base^(2p / size)`, element 2p of row t is the sine and 2p + 1 the cosine; not interleaved, the sines fill the
/// first half and the cosines the second. `size` is even.
public func sinusoidalEncoding(
  _ positions: Tensor, size: Int, base: Double = 10000, isInterleaved: Bool = true, element: ElementType = .f32,
  file: String = #filePath, line: Int = #line
) -> Tensor {
  let g = positions.builder
  return g.located(file, line) {
    guard size > 0, size % 2 == 0, positions.rank == 1 else {
      let guess = TensorType(element, Shape(positions.shape.extents + [Extent(size)]))
      return g.fail(
        "sinusoidalEncoding: got \(positions.summary) and the size \(size), expected rank 1 and an even size", nil, guess: guess)
    }
    let angles = positionAngles(positions, size: size, base: base, as: element.computed)
    let (sines, cosines) = (sin(angles).cast(to: element), cos(angles).cast(to: element))
    guard isInterleaved else { return concatenate([sines, cosines], dimension: 1) }
    let pairs = concatenate([sines.expandingDimension(2), cosines.expandingDimension(2)], dimension: 2)
    return pairs.reshape([positions.extent(0), Extent(size)])
  }
}

/// What each head subtracts from a score for each position of distance (ALiBi): `2^(-8h / heads)` for h in 1 ... heads.
///
/// Where the number of heads is not a power of two: the slopes of the next lower power, then every other slope of twice that.
/// There are none for fewer than 1 or more than 65536 heads; in the closure of a graph, too many are a mistake.
/// Source: Press, Smith, Lewis, "Train short, test long", 2022.
public func alibiSlopes(headCount: Int, file: String = #filePath, line: Int = #line) -> [Double] {
  guard headCount <= mostHeads else {
    GraphBuilder.running?.fail("alibiSlopes: got \(headCount) heads, expected up to \(mostHeads)", CallSite(file, line))
    return []
  }
  func slopes(_ count: Int) -> [Double] { (1...count).map { Foundation.pow(2, -8 * Double($0) / Double(count)) } }
  guard headCount > 0 else { return [] }
  var whole = 1
  while whole <= headCount / 2 { whole *= 2 }
  let extra = slopes(2 * whole).enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
  return slopes(whole) + extra.prefix(headCount - whole)
}

/// Numbers per head are written into the graph: there are not more heads than this.
let mostHeads = 1 << 16

/// The bias of ALiBi for scores `[..., heads, rows, context rows]`: minus the head's slope times the distance of the positions.
public func alibiBias(_ scores: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  scores.builder.located(file, line) {
    guard scores.rank >= 3, let heads = scores.extent(-3).constant, heads <= mostHeads else {
      return scores.builder.fail(
        "alibiBias: got \(scores.summary), expected a number of heads up to \(mostHeads) before rows and columns", nil,
        guess: scores.type)
    }
    let wide = scores.element.computed
    let slopes = scores.builder.constant(alibiSlopes(headCount: heads), wide, shape: [Extent(heads), 1, 1])
    let distance = abs(scores.index(-2) - scores.index(-1)).cast(to: wide)
    return (-(distance * slopes)).cast(to: scores.element)
  }
}

/// A learned bias for each head and bucket of relative positions, as in T5. Parameter: `name.weight [buckets, heads]`.
///
/// Near distances have a bucket each; farther ones share buckets that widen logarithmically up to `maximumDistance`.
/// Source: Raffel et al., "Exploring the limits of transfer learning", 2020.
public struct RelativePositionBias {
  /// The biases, `[buckets, heads]`.
  public let table: Embedding
  /// The number of buckets.
  public let bucketCount: Int
  /// The distance from which on all share the last bucket.
  public let maximumDistance: Int
  /// Whether keys after the query have buckets of their own; otherwise they share that of distance 0.
  public let isBidirectional: Bool

  /// Buckets with a given table, `[buckets, heads]`.
  public init(table: Embedding, bucketCount: Int = 32, maximumDistance: Int = 128, isBidirectional: Bool = true) {
    (self.table, self.bucketCount, self.maximumDistance) = (table, bucketCount, maximumDistance)
    self.isBidirectional = isBidirectional
  }

  /// Buckets whose table is the parameter `name.weight`.
  public init(
    _ name: String, in g: GraphBuilder, headCount: Int, bucketCount: Int = 32, maximumDistance: Int = 128,
    isBidirectional: Bool = true,
    element: ElementType = .f32, file: String = #filePath, line: Int = #line
  ) {
    table = Embedding(name, in: g, count: bucketCount, size: headCount, element: element, file: file, line: line)
    (self.bucketCount, self.maximumDistance, self.isBidirectional) = (bucketCount, maximumDistance, isBidirectional)
  }

  /// The bias for scores `[..., heads, rows, context rows]`: `[heads, rows, context rows]`.
  public func callAsFunction(_ scores: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
    let g = scores.builder
    return g.located(file, line) {
      guard scores.rank >= 3 else {
        return g.fail("RelativePositionBias: got \(scores.summary), expected rank 3 or more", nil, guess: scores.type)
      }
      guard (1...Self.most).contains(bucketCount), (0...Self.most).contains(maximumDistance) else {
        return g.fail(
          "RelativePositionBias: got \(bucketCount) buckets up to the distance \(maximumDistance), expected numbers up to \(Self.most)",
          nil, guess: scores.type)
      }
      let pairs: Shape = [scores.extent(-2), scores.extent(-1)]
      let relative = g.iota(pairs, dimension: 1) - g.iota(pairs, dimension: 0)
      let biases = table(buckets(relative))
      guard g.expect(biases.rank == 3, "RelativePositionBias: got \(table.weight.summary), expected [buckets, heads]", nil) else {
        return g.poison(scores.type)
      }
      return biases.permuted([2, 0, 1], nil)
    }
  }

  /// The most buckets and distances.
  private static let most = 1 << 20

  /// The bucket of each relative position, key minus query: looked up in a table of the distances up to the largest.
  private func buckets(_ relative: Tensor) -> Tensor {
    let g = relative.builder
    let distance = isBidirectional ? abs(relative) : maximum(-relative, 0)
    let table = g.constant((0...maximumDistance).map(bucket(ofDistance:)), .i32)
    let bucket = table.gather(minimum(distance, maximumDistance))
    return isBidirectional ? bucket + (relative > 0).cast(to: .i32) * (bucketCount / 2) : bucket
  }

  func bucket(ofDistance distance: Int) -> Int {
    let side = isBidirectional ? bucketCount / 2 : bucketCount
    let exact = side / 2
    guard distance > exact, exact > 0 else { return Swift.min(distance, side - 1) }
    let part = Foundation.log(Double(distance) / Double(exact)) / Foundation.log(Double(maximumDistance) / Double(exact))
    return Swift.min(exact + Int(part * Double(side - exact)), side - 1)
  }
}

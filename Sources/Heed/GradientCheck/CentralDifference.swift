/// A derivative by central differences.
package struct CentralDifference {
  /// The derivative.
  package private(set) var value = Double.nan
  /// How far it may be off because numbers are rounded.
  package private(set) var noise = 0.0
  /// Whether differences of two step sizes agree. They do not where the function has a kink or a jump nearby.
  package private(set) var isReliable = false
}

extension CentralDifference {
  /// The steps that are tried one after the other: the smaller one, the nearer must be a kink to spoil it, and the more does rounding.
  private static let steps = [0x1p-12, 0x1p-16, 0x1p-20]

  /// The rounding of a value, relative to what it is a sum of in size.
  static let roundoff = 16 * Double.ulpOfOne

  /// The derivatives at 0 of several functions of one number.
  ///
  /// With D the central difference and S the difference of the one-sided ones, a smooth function has D(h) near D(h/2) and S(h) near 2 S(h/2).
  /// A kink within h breaks one of the two, a kink at 0 the second. The value is (4 D(h/2) - D(h)) / 3, whose error is of order h^4.
  /// - Parameters:
  ///   - unit: what a step is multiplied by.
  ///   - center: the functions at 0.
  ///   - magnitudes: what the functions' values are sums of, in size.
  ///   - scales: sizes of derivatives below which differences do not matter.
  ///   - bound: how near the two step sizes must agree, relative to the derivative.
  ///   - values: the functions at a number.
  package static func all(
    unit: Double = 1, center: [Double], magnitudes: [Double], scales: [Double], bound: Double,
    _ values: (_ number: Double) throws -> [Double]
  ) rethrows -> [CentralDifference] {
    var found = [CentralDifference](repeating: CentralDifference(), count: center.count)
    for step in steps where found.contains(where: { !$0.isReliable }) {
      let (whole, half) = (step * unit, step * unit / 2)
      let wide = (try values(whole), try values(-whole))
      let narrow = (try values(half), try values(-half))
      for position in center.indices where !found[position].isReliable {
        let middle = center[position]
        let (above, below) = (wide.0[position] - middle, middle - wide.1[position])
        let (nearAbove, nearBelow) = (narrow.0[position] - middle, middle - narrow.1[position])
        let (coarse, fine) = ((above + below) / (2 * whole), (nearAbove + nearBelow) / (2 * half))
        let bends = ((above - below) / whole, (nearAbove - nearBelow) / half)
        let noise = roundoff * magnitudes[position] / half
        let allowed = bound / 2 * max(abs(fine), scales[position]) + noise
        found[position] = CentralDifference(
          value: (4 * fine - coarse) / 3, noise: noise,
          isReliable: abs(coarse - fine) <= allowed && abs(bends.0 - 2 * bends.1) <= allowed)
      }
    }
    return found
  }
}

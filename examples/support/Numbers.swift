import Foundation
import Heed

func mean(_ values: some Collection<Double>) -> Double { values.reduce(0, +) / Double(values.count) }

/// The variance of a population.
func variance(_ values: [Double]) -> Double {
  let average = mean(values)
  return mean(values.map { ($0 - average) * ($0 - average) })
}

/// The slope and the intercept of the line with the least squares.
func line(_ x: [Double], _ y: [Double]) -> (slope: Double, intercept: Double) {
  let (mx, my) = (mean(x), mean(y))
  let slope = covariance(x, y) / variance(x)
  return (slope, my - slope * mx)
}

/// The exponent p of y = c x^p, by least squares of the logarithms.
func exponent(_ x: [Double], _ y: [Double]) -> Double { line(x.map { log($0) }, y.map { log($0) }).slope }

/// Pearson's correlation.
func correlation(_ x: [Double], _ y: [Double]) -> Double { covariance(x, y) / (variance(x) * variance(y)).squareRoot() }

private func covariance(_ x: [Double], _ y: [Double]) -> Double {
  let (mx, my) = (mean(x), mean(y))
  return mean(zip(x, y).map { ($0 - mx) * ($1 - my) })
}

/// Spearman's correlation: that of the ranks, where equal numbers share their mean rank.
func rankCorrelation(_ x: [Double], _ y: [Double]) -> Double { correlation(ranks(x), ranks(y)) }

private func ranks(_ values: [Double]) -> [Double] {
  let order = values.indices.sorted { values[$0] < values[$1] }
  var ranks = [Double](repeating: 0, count: values.count)
  var start = 0
  while start < order.count {
    var end = start
    while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
    for position in start..<end { ranks[order[position]] = Double(start + end - 1) / 2 }
    start = end
  }
  return ranks
}

/// A number in a few characters.
func shown(_ value: Double) -> String {
  if value == value.rounded(), abs(value) < 1e6 { return String(Int(value)) }
  return abs(value) >= 0.001 && abs(value) < 1e5 ? String(format: "%.4g", value) : String(format: "%.1e", value)
}

extension SeededGenerator {
  /// A number of the standard normal distribution (Box and Muller 1958).
  mutating func normal() -> Double {
    let (u, v) = (Double.random(in: 0..<1, using: &self), Double.random(in: 0..<1, using: &self))
    return (-2 * log(1 - u)).squareRoot() * cos(2 * .pi * v)
  }
}

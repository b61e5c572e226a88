internal import Foundation

/// A panel of a picture: steps to the right, a number upwards. The number's axis is logarithmic where its range is wide and above 0.
struct PlotPanel {
  private let top: Double
  private let height: Double
  private let steps: Double
  private let label: String
  private var range: ClosedRange<Double> = 0...1
  private var isLogarithmic = false

  private static let (left, width) = (80.0, 700.0)
  /// The least ratio of the greatest number to the least at which an axis is logarithmic.
  private static let wideRatio = 30.0

  init(top: Double, height: Double, steps: Double, label: String) {
    (self.top, self.height, self.steps, self.label) = (top, height, steps, label)
  }

  private var bottom: Double { top + height }

  /// Makes the panel show these numbers.
  mutating func include(_ values: [Double]) {
    guard let least = values.min(), let greatest = values.max() else { return }
    isLogarithmic = least > 0 && greatest / least > Self.wideRatio
    if isLogarithmic {
      range = least / 1.15...greatest * 1.15
    } else {
      let room = greatest > least ? (greatest - least) * 0.06 : max(abs(least) * 0.1, 1e-3)
      range = least - room...greatest + room
    }
  }

  private func x(_ step: Double) -> Double { Self.left + Self.width * step / steps }

  private func y(_ value: Double) -> Double {
    func scale(_ value: Double) -> Double { isLogarithmic ? log10(value) : value }
    let (low, high) = (scale(range.lowerBound), scale(range.upperBound))
    return bottom - height * (scale(value) - low) / (high - low)
  }

  func drawLine(_ drawing: inout SVGDrawing, _ points: [(Double, Double)], color: String, width: Double) {
    guard points.count > 1 else { return drawDots(&drawing, points, radius: 3, color: color) }
    drawing.line(points.map { (x($0.0), y($0.1)) }, color: color, width: width)
  }

  func drawDots(_ drawing: inout SVGDrawing, _ points: [(Double, Double)], radius: Double, color: String) {
    for (step, value) in points { drawing.circle(x(step), y(value), radius: radius, color: color) }
  }

  /// A circle about a point that is the best.
  func drawRing(_ drawing: inout SVGDrawing, _ point: (Double, Double), color: String) {
    let (cx, cy) = (x(point.0), y(point.1))
    let corners = (0...32).map { Double($0) * .pi / 16 }.map { (x: cx + 7 * cos($0), y: cy + 7 * sin($0)) }
    drawing.line(corners, color: color, width: 1.5)
  }

  /// - Parameter isLast: whether steps are named below the panel.
  func drawAxes(_ drawing: inout SVGDrawing, isLast: Bool) {
    let right = Self.left + Self.width
    for (value, text) in marks {
      drawing.line([(Self.left, y(value)), (right, y(value))], color: "#e4e4e4")
      drawing.text(text, Self.left - 8, y(value) + 4, color: "#444", anchor: .end)
    }
    for value in Self.roundNumbers(0...steps, about: 8).filter({ $0 == $0.rounded() }) {
      drawing.line([(x(value), bottom), (x(value), bottom + 5)], color: "#888")
      if isLast { drawing.text(Self.count(value), x(value), bottom + 20, color: "#444", anchor: .middle) }
    }
    drawing.line([(Self.left, top), (Self.left, bottom), (right, bottom)], color: "#888")
    if isLast { drawing.text("step", Self.left + Self.width / 2, bottom + 42, size: 13, anchor: .middle) }
    let scale = isLogarithmic ? ", logarithmic" : ""
    drawing.text(label + scale, 22, top + height / 2, size: 13, anchor: .middle, degrees: -90)
  }

  private var marks: [(Double, String)] {
    guard isLogarithmic else {
      let values = Self.roundNumbers(range, about: 8)
      let distance = values.count > 1 ? values[1] - values[0] : 1
      let digits = max(0, Int((-log10(distance)).rounded(.up)))
      return values.map { ($0, digits > 6 ? scientific($0) : fixed($0, digits)) }
    }
    let decades = Int(log10(range.lowerBound).rounded(.down))...Int(log10(range.upperBound).rounded(.up))
    let factors: [Double] = decades.count > 5 ? [1] : [1, 2, 5]
    return decades.flatMap { decade in factors.map { $0 * pow(10, Double(decade)) } }.filter(range.contains)
      .map { ($0, $0 < 1e-3 || $0 >= 1e6 ? scientific($0) : String(format: "%g", $0)) }
  }

  /// The multiples of 1, 2 or 5 times a power of ten in a range: about as many as asked for.
  private static func roundNumbers(_ range: ClosedRange<Double>, about count: Double) -> [Double] {
    let least = (range.upperBound - range.lowerBound) / count
    let power = pow(10, log10(least).rounded(.down))
    let distance = [1, 2, 5, 10].map { $0 * power }.first { $0 >= least } ?? 10 * power
    return Array(
      stride(from: (range.lowerBound / distance).rounded(.up), through: range.upperBound / distance, by: 1).map { $0 * distance })
  }

  /// A number of steps: `500`, `20k`.
  private static func count(_ value: Double) -> String {
    if value >= 1e6 { return String(format: "%gM", value / 1e6) }
    return value >= 1e4 ? String(format: "%gk", value / 1e3) : fixed(value, 0)
  }
}

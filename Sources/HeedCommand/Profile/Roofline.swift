import Foundation
import Heed

/// Each kernel compared with what the machine can do: operations per second over operations per byte, both logarithmic. The roof is
/// the read bandwidth where it rises and the multiply-add peak where it is flat.
struct Roofline {
  let title: String
  let machine: String
  let profile: KernelProfile
  /// Floating-point operations and bytes a second, at most.
  let peak: Double
  let bandwidth: Double

  private static let (left, top, plotWidth, plotHeight) = (80.0, 70.0, 800.0, 430.0)
  private static let rowHeight = 20.0
  private static let colors = ["#1f5fa8", "#c8501e", "#2c7f4f", "#7b4fa3", "#a8791f", "#1f8f9e", "#b03060", "#5b6470"]

  /// Writes the picture.
  /// - Throws: where the file cannot be written; the error names it.
  func write(to path: String) throws { try FileBytes.write(svg, to: path) }

  var svg: String {
    // What takes next to no time is summarised in one line, and does not stretch the picture.
    let all = profile.kernels
    let whole = all.reduce(0) { $0 + $1.seconds }
    let kernels = all.filter { $0.seconds >= 0.002 * whole }
    let rest = all[kernels.count...]
    let drawn = kernels.enumerated().filter { $1.flops > 0 && $1.bytes > 0 && $1.seconds > 0 }
      .map { (number: $0, kernel: $1, intensity: $1.flops / $1.bytes, rate: $1.flops / $1.seconds) }
    let ridge = peak / bandwidth
    let x = Scale(drawn.map(\.intensity) + [ridge / 3, ridge * 3], from: Self.left, to: Self.left + Self.plotWidth)
    let y = Scale(drawn.map(\.rate) + [peak / 10, peak], from: Self.top + Self.plotHeight, to: Self.top)
    let rows = Double(kernels.count + (rest.isEmpty ? 1 : 2))
    var drawing = SVGDrawing(
      width: Self.left + Self.plotWidth + 40, height: Self.top + Self.plotHeight + 100 + rows * Self.rowHeight)
    drawing.text(title, Self.left, 28, size: 17, bold: true)
    drawing.text(machine, Self.left, 48, size: 12, color: "#666")
    drawAxes(&drawing, x, y)
    drawRoof(&drawing, x, y, ridge)
    for point in drawn.reversed() {
      let (px, py) = (x(point.intensity), y(point.rate))
      let radius = max(5, 22 * (point.kernel.seconds / whole).squareRoot())
      drawing.circle(px, py, radius: radius, color: color(point.number))
      // Below the point, since the roof is above it.
      drawing.text(
        "\(point.number + 1)", px, py + radius + 14, size: 13, color: color(point.number), anchor: .middle, bold: true)
    }
    drawTable(&drawing, kernels, rest, whole)
    return drawing.text
  }

  private func color(_ number: Int) -> String { Self.colors[number % Self.colors.count] }

  private func drawAxes(_ drawing: inout SVGDrawing, _ x: Scale, _ y: Scale) {
    let (right, bottom) = (Self.left + Self.plotWidth, Self.top + Self.plotHeight)
    for mark in x.marks {
      drawing.line([(x(mark.value), Self.top), (x(mark.value), bottom)], color: mark.isDecade ? "#c8c8c8" : "#ececec")
      if mark.isLabelled { drawing.text(String(format: "%g", mark.value), x(mark.value), bottom + 18, anchor: .middle) }
    }
    for mark in y.marks {
      drawing.line([(Self.left, y(mark.value)), (right, y(mark.value))], color: mark.isDecade ? "#c8c8c8" : "#ececec")
      if mark.isLabelled { drawing.text(String(format: "%g", mark.value / 1e9), Self.left - 8, y(mark.value) + 4, anchor: .end) }
    }
    drawing.line(
      [(Self.left, Self.top), (right, Self.top), (right, bottom), (Self.left, bottom), (Self.left, Self.top)], color: "#888")
    drawing.text("operations a byte", Self.left + Self.plotWidth / 2, bottom + 40, size: 13, anchor: .middle)
    drawing.text("GFLOP/s", 24, Self.top + Self.plotHeight / 2, size: 13, anchor: .middle, degrees: -90)
  }

  private func drawRoof(_ drawing: inout SVGDrawing, _ x: Scale, _ y: Scale, _ ridge: Double) {
    let start = max(x.start, y.start / bandwidth)
    drawing.line([(x(start), y(start * bandwidth)), (x(ridge), y(peak)), (x(x.last), y(peak))], color: "#222", width: 2)
    drawing.line([(x(ridge), y(peak)), (x(ridge), y(y.start))], color: "#888", dashes: "3 4")
    drawing.text(
      "multiply-add peak, \(fixed(peak / 1e9, 0)) GFLOP/s", x(ridge) + 6, y(peak) - 8, size: 12)
    let middle = (start * ridge).squareRoot()
    let slope = atan2(y(peak) - y(start * bandwidth), x(ridge) - x(start)) * 180 / .pi
    drawing.text(
      "reads of one thread, \(fixed(bandwidth / 1e9, 0)) GB/s", x(middle) - 5, y(middle * bandwidth) - 8, size: 12, anchor: .middle,
      degrees: slope)
  }

  /// The kernels by number, with those that do no products and so are not in the picture.
  private func drawTable(
    _ drawing: inout SVGDrawing, _ kernels: [KernelProfile.Kernel], _ rest: ArraySlice<KernelProfile.Kernel>, _ whole: Double
  ) {
    let columns: [(title: String, x: Double, anchor: SVGDrawing.Anchor)] = [
      ("", 0, .end), ("kernel", 16, .start), ("calls", 390, .end), ("time", 490, .end), ("share", 550, .end),
      ("GFLOP/s", 630, .end),
      ("GB/s", 700, .end), ("of roof", 780, .end),
    ]
    var y = Self.top + Self.plotHeight + 75
    func row(_ cells: [String], color: String, bold: Bool = false) {
      for (cell, column) in zip(cells, columns) {
        drawing.text(cell, Self.left + column.x, y, size: 12, color: color, anchor: column.anchor, bold: bold)
      }
      y += Self.rowHeight
    }
    row(columns.map(\.title), color: "#222", bold: true)
    for (number, kernel) in kernels.enumerated() {
      let roof = max(kernel.flops / peak, kernel.bytes / bandwidth) / kernel.seconds
      row(
        [
          "\(number + 1)", "@\(kernel.name)", "\(kernel.calls)", shownTime(kernel.seconds),
          "\(fixed(100 * kernel.seconds / whole, 1)) %", kernel.flops > 0 ? fixed(kernel.flops / kernel.seconds / 1e9, 1) : "-",
          fixed(kernel.bytes / kernel.seconds / 1e9, 1), fixed(roof, 2),
        ], color: kernel.flops > 0 ? color(number) : "#777")
    }
    if !rest.isEmpty {
      let (calls, seconds) = (rest.reduce(0) { $0 + $1.calls }, rest.reduce(0) { $0 + $1.seconds })
      row(["", "\(rest.count) others", "\(calls)", shownTime(seconds), "\(fixed(100 * seconds / whole, 1)) %"], color: "#777")
    }
    drawing.text(profile.meaning, Self.left, y + 8, size: 11, color: "#666")
  }
}

/// A logarithmic axis that holds some numbers above 0, with room on both sides.
private struct Scale {
  private let first: Double
  let last: Double
  private let from: Double
  private let to: Double

  /// A line across the picture.
  struct Mark {
    let value: Double
    let isDecade: Bool
    let isLabelled: Bool
  }

  init(_ values: [Double], from: Double, to: Double) {
    (first, last) = (values.min()! / 1.7, values.max()! * 1.7)
    (self.from, self.to) = (from, to)
  }

  /// Where the axis begins.
  var start: Double { first }

  var marks: [Mark] {
    let isShort = last / first < 3000
    var marks: [Mark] = []
    for decade in Int(floor(log10(first)))...Int(ceil(log10(last))) {
      for step in 1..<10 {
        let value = Double(step) * pow(10, Double(decade))
        guard value >= first, value <= last else { continue }
        let isLabelled = step == 1 || isShort && (step == 2 || step == 5)
        marks.append(Mark(value: value, isDecade: step == 1, isLabelled: isLabelled))
      }
    }
    return marks
  }

  func callAsFunction(_ value: Double) -> Double { from + (to - from) * log10(value / first) / log10(last / first) }
}

/// Curves over an axis, drawn by gnuplot.
struct Plot: Picture {
  /// A curve: its title in the key, its points, and how they are drawn.
  struct Series {
    enum Style { case lines, points, linespoints, dashed }
    var title: String
    var points: [(x: Double, y: Double)]
    var style = Style.linespoints
  }

  /// An axis. Its range is that of the points unless given.
  struct Axis {
    var label: String
    var isLogarithmic = false
    var range: ClosedRange<Double>?
  }

  /// What is seen, in one line.
  var title: String
  var x: Axis
  var y: Axis
  var series: [Series]
  /// Where the key stands, in gnuplot's words.
  var key = "top left"

  /// Colours that colour-blind people can tell (Okabe and Ito 2008), with grey for their yellow, which is hard to see on white.
  private static let colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#888888"]

  func draw(to path: String, as format: PictureFormat) throws {
    // A key below the curves takes a part of the height.
    var lines = gnuplotHead(path, format, title: title, height: key.hasPrefix("below") ? 640 : 480)
    lines += ["set key \(key)", "set grid", "set border 3", "set tics nomirror"]
    for (name, axis) in [("x", x), ("y", y)] {
      lines.append("set \(name)label \(quoted(axis.label))")
      if axis.isLogarithmic { lines += ["set logscale \(name)", "set format \(name) '%g'"] }
      if let range = axis.range { lines.append("set \(name)range [\(range.lowerBound):\(range.upperBound)]") }
    }
    for (number, curve) in series.enumerated() {
      lines += ["$d\(number) << END"] + curve.points.map { "\($0.x) \($0.y)" } + ["END"]
    }
    let parts = series.enumerated().map { number, curve in
      let colour = "lc rgb '\(Self.colours[number % Self.colours.count])'"
      let point = "pt \(number % 7 + 4) ps 0.7"
      let style =
        switch curve.style {
        case .lines: "lines lw 2"
        case .dashed: "lines dt 2 lw 2"
        case .points: "points lw 2 \(point)"
        case .linespoints: "linespoints lw 2 \(point)"
        }
      return "$d\(number) with \(style) \(colour) title \(quoted(curve.title))"
    }
    lines.append("plot " + parts.joined(separator: ", "))
    try runTool("gnuplot", [], on: lines.joined(separator: "\n") + "\n", package: "gnuplot-nox")
  }
}

/// A matrix as colours, with a name for each row and column.
struct HeatMap: Picture {
  var title: String
  /// The rows, from the top.
  var values: [[Double]]
  var rows: [String]
  var columns: [String]
  var rowLabel = ""
  var columnLabel = ""
  /// What the colours stand for.
  var scale: String
  /// The numbers of the two ends of the colours: those of the matrix unless given.
  var range: ClosedRange<Double>?

  /// Viridis (van der Walt and Smith 2015), which gnuplot 5 has no name for; from orange over white to blue where the range is about 0.
  private var palette: String {
    range.map { $0.lowerBound == -$0.upperBound } ?? false
      ? "-1 '#b35806', -0.5 '#fdb863', 0 '#f7f7f7', 0.5 '#92c5de', 1 '#2166ac'"
      : "0 '#440154', 1 '#3b528b', 2 '#21918c', 3 '#5ec962', 4 '#fde725'"
  }

  func draw(to path: String, as format: PictureFormat) throws {
    let (height, width) = (values.count, values.first?.count ?? 0)
    var lines = gnuplotHead(path, format, title: title, width: 260 + 26 * max(width, 12), height: 200 + 24 * max(height, 10))
    lines += [
      "set palette defined (\(palette))", "set cblabel \(quoted(scale))",
      "set tics scale 0", "unset key",
      "set xrange [-0.5:\(width).0-0.5]", "set yrange [\(height).0-0.5:-0.5]",
      "set xlabel \(quoted(columnLabel))", "set ylabel \(quoted(rowLabel))",
      "set xtics rotate by 60 right (" + columns.enumerated().map { "\(quoted($1)) \($0)" }.joined(separator: ", ") + ")",
      "set ytics (" + rows.enumerated().map { "\(quoted($1)) \($0)" }.joined(separator: ", ") + ")",
    ]
    if let range { lines.append("set cbrange [\(range.lowerBound):\(range.upperBound)]") }
    lines += ["$d << END"] + values.map { $0.map { "\($0)" }.joined(separator: " ") } + ["END", "plot $d matrix with image pixels"]
    try runTool("gnuplot", [], on: lines.joined(separator: "\n") + "\n", package: "gnuplot-nox")
  }
}

/// A graph in Graphviz's language.
struct Diagram: Picture {
  /// The program that lays it out: dot, neato, ...
  var layout = "dot"
  var text: String

  func draw(to path: String, as format: PictureFormat) throws {
    try runTool(layout, ["-T\(format.rawValue)", "-o", path], on: text, package: "graphviz")
  }
}

/// What begins each of gnuplot's programs.
func gnuplotHead(
  _ path: String, _ format: PictureFormat, title: String? = nil, width: Int = 720, height: Int = 480
) -> [String] {
  let terminal = format == .svg ? "svg" : "pngcairo"
  return [
    "set encoding utf8", "set terminal \(terminal) size \(width),\(height) font 'DejaVu Sans,12' background '#ffffff'",
    "set output \(quoted(path))",
  ] + (title.map { ["set title \(quoted($0))"] } ?? [])
}

/// A string of gnuplot's in which nothing has a meaning of its own.
func quoted(_ text: String) -> String {
  "'" + text.replacing("'", with: "''").replacing("_", with: "\\_").replacing("^", with: "\\^") + "'"
}

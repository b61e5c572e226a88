/// Small matrices side by side, each in colours of its own: images, and maps over them.
struct Panels: Picture {
  struct Panel {
    var title: String
    /// The rows, from the top.
    var values: [[Double]]
    /// Grey, dark where the number is large; otherwise viridis.
    var isGrey = false
  }

  /// What is seen, in one line.
  var title: String
  /// Rows of panels.
  var rows: [[Panel]]

  func draw(to path: String, as format: PictureFormat) throws {
    let columns = rows.map(\.count).max() ?? 1
    var lines = gnuplotHead(path, format, width: 40 + 150 * columns, height: 60 + 170 * rows.count)
    lines += [
      "set multiplot layout \(rows.count),\(columns) title \(quoted(title)) font 'DejaVu Sans,14'",
      "unset key", "unset xtics", "unset ytics", "unset colorbox", "set size ratio -1",
    ]
    for row in rows {
      for panel in row {
        let (height, width) = (panel.values.count, panel.values.first?.count ?? 0)
        lines += [
          "set palette defined (\(panel.isGrey ? "0 '#ffffff', 1 '#000000'" : viridis))",
          "set title \(quoted(panel.title)) font 'DejaVu Sans,11'",
          "set cbrange [*:*]", "set xrange [-0.5:\(width).0-0.5]", "set yrange [\(height).0-0.5:-0.5]",
          "$d << END",
        ]
        lines += panel.values.map { $0.map { "\($0)" }.joined(separator: " ") } + ["END", "plot $d matrix with image pixels"]
      }
      lines += Array(repeating: "set multiplot next", count: columns - row.count)
    }
    try runTool("gnuplot", [], on: lines.joined(separator: "\n") + "\n", package: "gnuplot-nox")
  }
}

/// Colours from dark to bright that colour-blind people can tell, after matplotlib's.
private let viridis = "0 '#440154', 1 '#3b528b', 2 '#21918c', 3 '#5ec962', 4 '#fde725'"

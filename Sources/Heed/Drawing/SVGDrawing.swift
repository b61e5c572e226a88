internal import Foundation

/// A picture in Scalable Vector Graphics, lengths in pixels, y downwards: maps of tiles, rooflines, loss curves.
///
/// These few lines are Heed's own. A program that plots, such as gnuplot, would have to be installed wherever a program that uses the library
/// trains; a package for plots would be built by every package that depends on Heed. The elements are four, and have no state.
package struct SVGDrawing {
  /// The extent of the picture.
  package let (width, height): (Double, Double)
  private var elements: [String] = []

  /// An empty picture.
  package init(width: Double, height: Double) { (self.width, self.height) = (width, height) }

  /// Which point of a text its place is.
  package enum Anchor: String { case start, middle, end }

  /// Draws straight lines through points.
  package mutating func line(_ points: [(x: Double, y: Double)], color: String, width: Double = 1, dashes: String? = nil) {
    let path = points.map { "\(fixed($0.x, 1)),\(fixed($0.y, 1))" }.joined(separator: " ")
    let dashing = dashes.map { " stroke-dasharray=\"\($0)\"" } ?? ""
    elements.append("<polyline points=\"\(path)\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"\(width)\"\(dashing)/>")
  }

  /// Draws a filled rectangle.
  /// - Parameter title: shown where the pointer rests on it.
  package mutating func rectangle(
    _ x: Double, _ y: Double, width: Double, height: Double, color: String, border: String? = nil, title: String? = nil
  ) {
    let stroke = border.map { " stroke=\"\($0)\" stroke-width=\"0.5\"" } ?? ""
    let place = "x=\"\(fixed(x, 2))\" y=\"\(fixed(y, 2))\" width=\"\(fixed(width, 2))\" height=\"\(fixed(height, 2))\""
    let end = title.map { "><title>\(Self.escaped($0))</title></rect>" } ?? "/>"
    elements.append("<rect \(place) fill=\"\(color)\"\(stroke)\(end)")
  }

  /// Draws a filled circle through which one sees a little.
  package mutating func circle(_ x: Double, _ y: Double, radius: Double, color: String) {
    elements.append(
      "<circle cx=\"\(fixed(x, 1))\" cy=\"\(fixed(y, 1))\" r=\"\(fixed(radius, 1))\" fill=\"\(color)\" fill-opacity=\"0.75\" "
        + "stroke=\"white\"/>")
  }

  /// Writes text.
  /// - Parameter degrees: turns the text about its anchor, clockwise.
  package mutating func text(
    _ text: String, _ x: Double, _ y: Double, size: Double = 12, color: String = "#222", anchor: Anchor = .start,
    bold: Bool = false,
    degrees: Double = 0
  ) {
    let turn = degrees == 0 ? "" : " transform=\"rotate(\(fixed(degrees, 1)) \(fixed(x, 1)) \(fixed(y, 1)))\""
    elements.append(
      "<text x=\"\(fixed(x, 1))\" y=\"\(fixed(y, 1))\" font-size=\"\(fixed(size, 1))\" fill=\"\(color)\" "
        + "text-anchor=\"\(anchor.rawValue)\"\(bold ? " font-weight=\"bold\"" : "")\(turn)>\(Self.escaped(text))</text>")
  }

  /// The file's text.
  package var text: String {
    let size = "width=\"\(fixed(width, 0))\" height=\"\(fixed(height, 0))\" viewBox=\"0 0 \(fixed(width, 0)) \(fixed(height, 0))\""
    let head = "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size) font-family=\"Helvetica, Arial, sans-serif\">"
    return ([head, "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"] + elements + ["</svg>", ""]).joined(separator: "\n")
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
  }
}

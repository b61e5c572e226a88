internal import HeedIR

/// The picture of a run: the loss over steps, on the data that it trains on and on that of evaluations. Where evaluations are judged by
/// another number, that one has a panel of its own.
///
/// It is drawn by `SVGDrawing`, which says why.
struct LossCurve {
  /// What stands above the picture.
  let title: String
  /// The name of the loss, and what it is counted in.
  let (loss, unit): (String, String?)
  /// The name of the number that evaluations are judged by.
  let metric: String?
  var training = CurveSamples()
  var evaluationLoss = CurveSamples()
  var evaluationMetric = CurveSamples()
  /// The best evaluation.
  var best: (step: Int, value: Double)?

  /// Blue and vermilion, which all kinds of colour vision tell apart, and a light blue.
  /// Source: Okabe and Ito, "Color universal design" (2008).
  private static let (trainingColor, rawColor, evaluationColor) = ("#0072B2", "#A9CFE6", "#D55E00")

  init(title: String, loss: String, unit: String?, metric: String?) {
    (self.title, self.loss, self.unit, self.metric) = (title, loss, unit, metric)
  }

  /// Adds a line of the metrics file.
  mutating func add(_ line: MetricsFile.Line) {
    guard let isBest = line.isBest else {
      if let value = line[loss] { training.add(step: line.step, value) }
      return
    }
    if let value = line["evaluation_\(loss)"] { evaluationLoss.add(step: line.step, value) }
    guard let metric, let value = line["evaluation_\(metric)"] else { return }
    if metric != loss { evaluationMetric.add(step: line.step, value) }
    if isBest { best = (line.step, value) }
  }

  /// The picture as SVG.
  var svg: String {
    let hasMetric = !evaluationMetric.buckets.isEmpty
    var drawing = SVGDrawing(width: 820, height: hasMetric ? 720 : 470)
    drawing.text(title, 80, 32, size: 17, bold: true)
    drawLegend(&drawing)
    drawLosses(&drawing, isLast: !hasMetric)
    if hasMetric { drawMetric(&drawing) }
    return drawing.text
  }

  /// The last step of the picture.
  private var steps: Double {
    max(1, [training, evaluationLoss, evaluationMetric].compactMap { $0.buckets.last?.step }.max() ?? 1)
  }

  /// Whether there are so many steps that a mean over some shows more than each of them.
  private var isSmoothed: Bool { training.buckets.count >= 100 }

  private func drawLegend(_ drawing: inout SVGDrawing) {
    var entries = [(color: Self.trainingColor, text: "training" + number(training.smoothed.last?.value))]
    if isSmoothed { entries[0].text += ", the mean of \(training.smoothingCount) steps; light: all" }
    if let last = evaluationLoss.buckets.last {
      entries.append((Self.evaluationColor, "evaluation" + number(last.mean) + (metric == loss ? bestText : "")))
    }
    var x = 80.0
    for (color, text) in entries {
      drawing.line([(x, 56), (x + 22, 56)], color: color, width: 2.5)
      drawing.text(text, x + 28, 60, size: 12, color: "#444")
      x += 50 + 6.4 * Double(text.count)
    }
  }

  private func drawLosses(_ drawing: inout SVGDrawing, isLast: Bool) {
    var panel = PlotPanel(top: 84, height: 310, steps: steps, label: loss + (unit.map { " (\($0))" } ?? ""))
    panel.include(training.buckets.flatMap { [$0.least, $0.greatest] } + evaluationLoss.buckets.map(\.mean))
    panel.drawAxes(&drawing, isLast: isLast)
    if isSmoothed {
      let extremes = training.buckets.flatMap { [($0.step, $0.least), ($0.step, $0.greatest)] }
      panel.drawLine(&drawing, extremes, color: Self.rawColor, width: 1)
    }
    panel.drawLine(&drawing, training.smoothed.map { ($0.step, $0.value) }, color: Self.trainingColor, width: 2)
    drawEvaluations(&drawing, panel, evaluationLoss, isJudged: metric == loss)
  }

  private func drawMetric(_ drawing: inout SVGDrawing) {
    var panel = PlotPanel(top: 440, height: 215, steps: steps, label: metric ?? "")
    panel.include(evaluationMetric.buckets.map(\.mean))
    panel.drawAxes(&drawing, isLast: true)
    drawEvaluations(&drawing, panel, evaluationMetric, isJudged: true)
    drawing.text("evaluation" + number(evaluationMetric.buckets.last?.mean) + bestText, 80, 430, size: 12, color: "#444")
  }

  private func drawEvaluations(_ drawing: inout SVGDrawing, _ panel: PlotPanel, _ samples: CurveSamples, isJudged: Bool) {
    let points = samples.buckets.map { ($0.step, $0.mean) }
    panel.drawLine(&drawing, points, color: Self.evaluationColor, width: 2)
    if points.count <= 60 { panel.drawDots(&drawing, points, radius: 3.5, color: Self.evaluationColor) }
    if isJudged, let best { panel.drawRing(&drawing, (Double(best.step), best.value), color: Self.evaluationColor) }
  }

  private func number(_ value: Double?) -> String { value.map { " \(shortNumber($0))" } ?? "" }
  private var bestText: String { best.map { ", best \(shortNumber($0.value)) after step \($0.step)" } ?? "" }
}

/// A number to four digits: `2.345`.
func shortNumber(_ value: Double) -> String {
  let size = abs(value)
  if size == 0 { return "0" }
  if size < 1e-3 || size >= 1e6 { return scientific(value) }
  return fixed(value, size < 0.1 ? 5 : size < 10 ? 4 : size < 1000 ? 2 : 0)
}

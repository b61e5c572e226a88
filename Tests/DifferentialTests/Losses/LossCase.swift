import Heed
import HeedInterpreter

/// A cross-entropy of logits that are a product, written in one way, with its numbers.
struct LossCase: Sendable, CustomStringConvertible {
  let description: String
  /// The loss from hidden rows `[T, D]`, a table `[V, D]`, a bias `[V]` and labels `[T]`.
  let loss: @Sendable (_ h: Tensor, _ table: Tensor, _ bias: Tensor, _ labels: Tensor) -> Tensor

  init(_ description: String, _ loss: @escaping @Sendable (Tensor, Tensor, Tensor, Tensor) -> Tensor) {
    (self.description, self.loss) = (description, loss)
  }

  /// The graph of the loss.
  func graph(_ element: ElementType, rows: Shape = ["T"], classes: Int, width: Int) throws -> Graph {
    try Graph(building: "loss") { g in
      let h = g.input("h", element, Shape(rows.extents + [Extent(width)]))
      let (table, bias) = (
        g.input("table", element, [Extent(classes), Extent(width)]), g.input("bias", element, [Extent(classes)])
      )
      return loss(h, table, bias, g.input("labels", .i32, rows)).named("loss")
    }
  }

  /// The logits as a linear map makes them.
  static func logits(_ h: Tensor, _ table: Tensor, _ bias: Tensor) -> Tensor { matmul(h, table.transposed()) + bias }

  /// The losses of the language.
  static let library: [LossCase] = [
    LossCase("mean") { h, table, bias, labels in crossEntropy(logits(h, table, bias), labels) },
    LossCase("no bias, sum") { h, table, _, labels in crossEntropy(matmul(h, table.transposed()), labels, reduction: .sum) },
    LossCase("each, nothing ignored") { h, table, bias, labels in
      crossEntropy(logits(h, table, bias), labels, ignoring: nil, reduction: .none)
    },
    LossCase("smoothed, one label ignored") { h, table, bias, labels in
      crossEntropy(logits(h, table, bias), labels, ignoring: 2, labelSmoothing: 0.1)
    },
    LossCase("weighed") { h, table, bias, labels in
      crossEntropy(logits(h, table, bias), labels, weights: sigmoid(bias * 3) + 0.5)
    },
    LossCase("weighed and smoothed") { h, table, bias, labels in
      crossEntropy(logits(h, table, bias), labels, ignoring: 1, labelSmoothing: 0.25, weights: sigmoid(bias * 3) + 0.5)
    },
    LossCase("scaled and capped") { h, table, bias, labels in
      let capped = tanh(logits(h, table, bias) * 0.5 / 3) * 3
      return crossEntropy(capped, labels, labelSmoothing: 0.1)
    },
    LossCase("classes masked") { h, table, bias, labels in
      let x = logits(h, table, bias)
      return crossEntropy(x.where(x.index(-1) < 6, else: -.infinity), labels)
    },
  ]

  /// Losses as people write them by hand.
  static let written: [LossCase] = [
    LossCase("logSoftmax, takeAlong") { h, table, bias, labels in
      -logSoftmax(logits(h, table, bias)).takeAlong(labels.expandingDimension(-1)).mean()
    },
    LossCase("logSoftmax times oneHot") { h, table, bias, labels in
      let x = logits(h, table, bias)
      return -(logSoftmax(x) * labels.oneHot(x.extent(-1), as: x.element)).sum(-1).mean()
    },
    LossCase("logSumExp less a choice") { h, table, bias, labels in
      let x = logits(h, table, bias)
      let own = x.where(labels.expandingDimension(-1) == x.index(-1), else: 0.0).sum(-1)
      return (logSumExp(x) - own).mean()
    },
    LossCase("exponentials less their greatest") { h, table, bias, labels in
      let x = logits(h, table, bias)
      let shift = x.max(-1, keepingDimensions: true)
      let logarithm = log(exp(x - shift).sum(-1, keepingDimensions: true)) + shift
      return (logarithm - x.takeAlong(labels.expandingDimension(-1))).sum()
    },
    LossCase("rows put in one dimension") { h, table, bias, labels in
      let x = logits(h, table, bias)
      return crossEntropy(x.reshape([-1, x.extent(-1)]), labels.reshape([-1]))
    },
    LossCase("table on the left") { h, table, bias, labels in
      let rows = h.reshape([-1, h.extent(-1)])
      let x = matmul(table, rows.transposed()) + bias.expandingDimension(-1)
      return crossEntropy(x.transposed(), labels.reshape([-1]))
    },
    LossCase("probabilities smoothed by hand") { h, table, bias, labels in
      let x = logits(h, table, bias)
      let p = logSoftmax(x)
      return -(0.9 * p.takeAlong(labels.expandingDimension(-1)).squeezingDimension(-1) + 0.1 * p.mean(-1)).mean()
    },
    LossCase("with the square of the logarithm") { h, table, bias, labels in
      let x = logits(h, table, bias)
      let logarithm = logSumExp(x.cast(to: x.element.computed))
      return (crossEntropy(x, labels, reduction: .none) + 1e-2 * logarithm * logarithm).mean()
    },
  ]
}

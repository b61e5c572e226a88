import HeedIR

/// What a step of training says of itself.
public struct TrainingStep {
  /// The number of steps made before this one: an i64.
  public let count: Tensor
  /// The learning rate: an f32, or an f64 where a parameter is.
  public let learningRate: Tensor
  /// The root of the sum of the squares of all gradients before clipping, of the learning rate's type: of the mean of those that were accumulated.
  public let gradientNorm: Tensor
  /// Whether parameters change in this call, a bool: not where gradients are only accumulated, or are not finite.
  public let isMade: Tensor
}

extension GraphBuilder {
  /// Makes each call a step of training: it replaces parameters, which become states, so that a number shrinks.
  ///
  /// ```swift
  /// let step = try Graph("step") { g in
  ///   let loss = crossEntropy(model(g.input("ids", .i32, ["B", "S"])), g.input("labels", .i32, ["B", "S"]))
  ///   g.minimize(loss, by: AdamW(), learningRate: .cosine(from: 3e-4, to: 3e-5, over: 1000), clippingNorm: 1)
  ///   return loss
  /// }
  /// ```
  ///
  /// What the optimiser keeps are states too, of names that begin with `optimizer.`; `Graph.initialState` makes them. Their numbers, and the
  /// arithmetic of the step, are f32, or f64 where a parameter is. Parameters of 16-bit types are rounded once, when they are stored.
  /// - Parameters:
  ///   - loss: one float.
  ///   - parameters: what is trained; all parameters so far unless given.
  ///   - decaying: whether the parameter of a name decays, where the optimiser has such a thing; by default those of two and more dimensions,
  ///     which leaves out biases and norms.
  ///   - clippingNorm: where the norm of all gradients is larger, they are scaled to it.
  ///   - accumulating: over how many calls gradients are averaged before a step is made.
  ///   - averaging: what of an exponential moving average of each parameter a step keeps; the averages are states, `average.` and the
  ///     parameter's name, which begin as the parameter is after the first step.
  ///   - lossScale: what the loss is multiplied by, for gradients in f16 that would vanish otherwise; they are divided by it again. Steps whose
  ///     gradients are not finite are left out and halve it; 2000 others in a row double it. Nil for none.
  @discardableResult
  public func minimize(
    _ loss: Tensor, by optimizer: some Optimizer, learningRate: LearningRate, parameters: [Tensor]? = nil,
    decaying: ((_ name: String) -> Bool)? = nil, clippingNorm: Double? = nil, accumulating calls: Int = 1, averaging: Double? = nil,
    lossScale: Double? = nil, file: String = #filePath, line: Int = #line
  ) -> TrainingStep {
    located(file, line) {
      let trained = parameters ?? self.parameters
      let count = state("optimizer.steps", .i64, initial: 0)
      guard expect(loss.rank == 0, "minimize: got the loss \(loss.summary), expected one number", nil),
        expect(!trained.isEmpty, "minimize: got no parameters, expected at least one", nil),
        expect(calls > 0, "minimize: got \(calls) calls to accumulate gradients over, expected at least 1", nil)
      else { return poisonedStep(count) }

      let element: ElementType = trained.contains { $0.element == .f64 } ? .f64 : .f32
      let scale = lossScale.map { state("optimizer.loss_scale", element, initial: $0) }
      let scaled = scale.map { loss.cast(to: element) * $0 } ?? loss
      var gradients = HeedDSL.gradients(of: scaled, with: trained).map { $0.cast(to: element) }
      if let scale { gradients = gradients.map { $0 / scale } }

      // Over several calls: the mean, and whether it is complete.
      var isComplete: Tensor?
      if calls > 1 {
        let made = state("optimizer.accumulated_calls", .i32, initial: 0)
        let isLast = made == Double(calls - 1)
        made.update(to: select(isLast, made * 0, made + 1))
        isComplete = isLast
        gradients = zip(trained, gradients).map { parameter, gradient in
          let sum = state("optimizer.accumulated.\(parameter.name ?? "")", element, parameter.shape, initial: 0)
          let total = sum + gradient * (1 / Double(calls))
          // Not 0 times the total, which may be infinite.
          sum.update(to: select(isLast, 0.0, total))
          return total
        }
      }
      let norm = sqrt(gradients.map { ($0 * $0).sum() }.reduce(nil) { sum, term in sum.map { $0 + term } ?? term }!)
      var isMade = isComplete
      if let scale {
        let isFinite = norm - norm == 0.0
        updateScale(scale, isFinite, isComplete)
        isMade = isComplete.map { $0 & isFinite } ?? isFinite
      }
      if let clippingNorm {
        let factor = minimum(clippingNorm / (norm + 1e-6), 1.0)
        gradients = gradients.map { $0 * factor }
      }

      let made = count.cast(to: .f64)
      let rate = learningRate.rate(made).cast(to: element)
      let next = count + 1
      count.update(to: isMade.map { select($0, next, count) } ?? next)
      for (parameter, gradient) in zip(trained, gradients) {
        let name = parameter.name ?? ""
        let step = OptimizerStep(
          number: next.cast(to: .f64), element: element, learningRate: rate, decays: decaying?(name) ?? (parameter.rank > 1),
          builder: self, name: name,
          isMade: isMade)
        let old = parameter.cast(to: element)
        let new = step.made(optimizer.updated(old, gradient: gradient, in: step), else: old)
        parameter.update(to: new.cast(to: parameter.element))
        if let averaging { average(new, of: name, averaging, count, step) }
      }
      return TrainingStep(
        count: count, learningRate: rate, gradientNorm: norm, isMade: isMade ?? (count == count))
    }
  }

  /// Updates the moving average of a parameter.
  private func average(_ new: Tensor, of name: String, _ decay: Double, _ count: Tensor, _ step: OptimizerStep) {
    let average = state("average.\(name)", step.element, new.shape, initial: 0)
    step.update(average, to: select(count == 0.0, new, average * decay + new * (1 - decay)))
  }

  /// Halves or doubles what the loss is scaled by.
  private func updateScale(_ scale: Tensor, _ isFinite: Tensor, _ isComplete: Tensor?) {
    let good = state("optimizer.finite_steps", .i32, initial: 0)
    let isDue = isFinite & (good == 1999.0)
    let next = select(isFinite, select(isDue, scale * 2, scale), scale / 2)
    let nextGood = select(isFinite & (good < 1999.0), good + 1, good * 0)
    scale.update(to: isComplete.map { select($0, next, scale) } ?? next)
    good.update(to: isComplete.map { select($0, nextGood, good) } ?? nextGood)
  }

  private func poisonedStep(_ count: Tensor) -> TrainingStep {
    let number = poison(TensorType(.f32, .scalar))
    return TrainingStep(count: count, learningRate: number, gradientNorm: number, isMade: poison(TensorType(.bool, .scalar)))
  }
}

extension AttributeKey where Value == Bool {
  /// Whether rows were centred before they were scaled: those of `layer_norm`, not those of `rms_norm`.
  public static var centered: Self { Self("centered") }
}

extension ResultName {
  /// The cotangent of a normalisation's rows.
  public static let rows = Self("rows")
  /// The cotangent of a normalisation's scale.
  public static let scale = Self("scale")
  /// The cotangent of a normalisation's bias.
  public static let bias = Self("bias")
}

extension Op {
  /// `norm_gradient %x, %scale, %cotangent {centered = true, epsilon = e}`: the cotangents of the operands of `layer_norm %x, %scale, %bias`,
  /// or, where rows are not centred, of `rms_norm %x, %scale`, given the cotangent of its result.
  ///
  /// A row x has D elements, d = sqrt(variance + e) and n = (x - mean) / d; g is its cotangent times the scale. The cotangent of x is
  /// (g - mean of g - n * mean of n g) / d. Where rows are not centred, the means of x and g are left out. The cotangents of scale and
  /// bias, `[D]`, are sums over all rows: of n times the cotangent, and of the cotangent.
  public static let normGradient = Op(
    "norm_gradient", operands: .named(["x", "scale", "cotangent"]), attributes: [.optional(.centered), .required(.epsilon)],
    results: .named([.always(.rows), .always(.scale), .when(.bias) { $0.isSet(.centered) }]), traits: [.composite],
    infer: { inference in
      try inference.checkNormalization(rows: 1)
      let (x, scale) = (inference.operands[0], inference.operands[1])
      return inference.inOrder([.rows: x, .scale: scale, .bias: scale])
    },
    evaluate: { evaluation in
      let (x, scale, cotangent) = (evaluation.operands[0], evaluation.operands[1], evaluation.operands[2])
      let (epsilon, isCentered) = (evaluation.attributes.required(.epsilon).real, evaluation.attributes.isSet(.centered))
      var (rows, ofScale, ofBias) = (x, ReferenceArray(scale.element, scale.shape), ReferenceArray(scale.element, scale.shape))
      x.forEachRow(along: x.shape.count - 1) { positions in
        func mean(_ value: (_ d: Int, _ position: Int) -> Double) -> Double {
          positions.enumerated().reduce(0) { $0 + value($1.offset, $1.element) } / Double(positions.count)
        }
        let center = isCentered ? mean { x.reals[$1] } : 0
        let deviation = (mean { (x.reals[$1] - center) * (x.reals[$1] - center) } + epsilon).squareRoot()
        func normal(_ position: Int) -> Double { (x.reals[position] - center) / deviation }
        func inner(_ d: Int, _ position: Int) -> Double { cotangent.reals[position] * scale.reals[d] }
        let (level, along) = (isCentered ? mean(inner) : 0, mean { normal($1) * inner($0, $1) })
        for (d, position) in positions.enumerated() {
          rows.reals[position] = (inner(d, position) - level - normal(position) * along) / deviation
          ofScale.reals[d] += normal(position) * cotangent.reals[position]
          ofBias.reals[d] += cotangent.reals[position]
        }
      }
      return evaluation.inOrder([.rows: rows, .scale: ofScale, .bias: ofBias])
    },
    cost: { Cost(flops: $0.results[0].shape.count * 16, bytes: $0.bytes) },
    decompose: { context in
      let (narrow, last) = (context.type(context.operands[0]), context.type(context.operands[0]).rank - 1)
      let wide = try context.operands.map { try context.widened($0, to: narrow.element.computed) }
      let rows = try context.normalizedRows(
        wide[0], epsilon: context.attributes.required(.epsilon).real, isCentered: context.attributes.isSet(.centered))
      let inner = try context.emit(.multiply, wide[2], context.broadcast(wide[1], to: narrow.shape, dims: [last]))
      var found = [try context.product(rows, inner), try context.emit(.multiply, wide[2], rows.values)]
      if context.attributes.isSet(.centered) { found.append(wide[2]) }
      for position in found.indices.dropFirst() where last > 0 {
        let dims = Array(0..<last)
        found[position] = try context.emit(.reduce, found[position], attributes: [Attribute(.dims, dims), Attribute(.kind, .add)])
      }
      return try found.map { try context.widened($0, to: narrow.element) }
    },
    derivative: .ofDecomposition)
}

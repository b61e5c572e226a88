extension Example {
  /// All examples, in the order of a tour.
  package static let all = [
    scaling,
    sensorFusion,
    delayedCopy,
    composition,
    decisionTransformer,
    languageModel,
    order,
    heads,
    inductionHeads,
    coreference,
    causation,
    padding,
    oddOneOut,
    triangleAttention,
    patterns,
    checkpointing,
    randomWalk,
    digits,
    heatEquation,
    promoters,
  ]
}

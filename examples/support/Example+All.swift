extension Example {
  /// All examples, in the order of a tour.
  package static let all = [
    scaling,
    heads,
    order,
    delayedCopy,
    patterns,
    checkpointing,
    padding,
    sensorFusion,
    oddOneOut,
    coreference,
    inductionHeads,
    causation,
    digits,
    randomWalk,
    triangleAttention,
    promoters,
    spliceSites,
    heatEquation,
    composition,
    decisionTransformer,
    languageModel,
  ]
}

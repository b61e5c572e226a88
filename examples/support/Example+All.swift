extension Example {
  /// All examples, in the order of a tour.
  package static let all = [
    scaling,
    sensorFusion,
    randomWalk,
    digits,
    heatEquation,
  ]
}

/// What a parameter holds before it is trained.
///
/// Random numbers follow from a seed, the parameter's name and its shape alone: another parameter more or less changes none of them, and
/// they are the same on every machine. They are computed in double precision and rounded to the parameter's type once.
///
/// The weight of a linear map is `[outputs, inputs]`, that of a convolution `[outputs, inputs, ...]`: the *fan* of a weight is the number
/// of its inputs or outputs, each times the product of what follows.
public enum Initializer: Hashable, Sendable {
  /// The number of products that a sum has: what variances are divided by.
  public enum Fan: String, Hashable, Sendable, CaseIterable {
    /// The inputs of an output, which keep the variance of activations.
    case inputs
    /// The outputs of an input, which keep the variance of gradients.
    case outputs
  }

  /// 0.
  case zeros
  /// 1.
  case ones
  /// One number.
  case constant(Double)
  /// Numbers of the normal distribution with this mean and standard deviation.
  case normal(mean: Double = 0, deviation: Double = 1)
  /// The same without numbers further from the mean than two standard deviations; the deviation is that of the whole distribution.
  case truncatedNormal(mean: Double = 0, deviation: Double = 1)
  /// Numbers spread evenly from `low` to below `high`.
  case uniform(low: Double = 0, high: Double = 1)
  /// Uniform within `gain * sqrt(6 / (inputs + outputs))`. Source: Glorot, Bengio, "Understanding the difficulty of training deep
  /// feedforward neural networks", 2010.
  case xavierUniform(gain: Double = 1)
  /// Normal with the deviation `gain * sqrt(2 / (inputs + outputs))`. Source: as `xavierUniform`.
  case xavierNormal(gain: Double = 1)
  /// Uniform within `gain * sqrt(3 / fan)`; the default gain, the square root of 2, is that of ReLU. Source: He et al., "Delving deep into
  /// rectifiers", 2015.
  case kaimingUniform(gain: Double = 2.0.squareRoot(), fan: Fan = .inputs)
  /// Normal with the deviation `gain / sqrt(fan)`. Source: as `kaimingUniform`.
  case kaimingNormal(gain: Double = 2.0.squareRoot(), fan: Fan = .inputs)
  /// A matrix `[outputs, inputs * ...]` whose rows, or columns where they are fewer, have the length `gain` and are at right angles to each other;
  /// all such matrices are equally likely. Source: Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in
  /// deep linear neural networks", 2014.
  case orthogonal(gain: Double = 1)

  /// What PyTorch's `nn.Linear` draws a weight from: uniform within `1 / sqrt(inputs)`.
  public static let linearWeight = kaimingUniform(gain: (1.0 / 3).squareRoot())

  /// What PyTorch's `nn.Linear` draws the bias of a map from so many inputs from: uniform within `1 / sqrt(inputs)`.
  public static func linearBias(inputs: Int) -> Initializer {
    let bound = inputs > 0 ? 1 / Double(inputs).squareRoot() : 0
    return .uniform(low: -bound, high: bound)
  }
}

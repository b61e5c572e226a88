extension Op {
  /// Every op there is. The order is that of the documentation.
  public static let all: [Op] = [
    // Sources.
    .constant, .iota, .extent,
    // Arithmetic, elementwise.
    .add, .subtract, .multiply, .divide, .remainder, .minimum, .maximum, .power, .negate, .absolute, .fusedMultiplyAdd,
    .exp, .exp2, .log, .log2, .sqrt, .rsqrt, .reciprocal, .sin, .cos, .tanh, .erf, .floor, .ceil, .round,
    // Activations, elementwise.
    .sigmoid, .gelu, .geluTanh, .silu,
    // Bits and truth values, elementwise.
    .and, .or, .xor, .not, .shiftLeft, .shiftRight,
    // Comparison, choice and conversion, elementwise.
    .less, .lessEqual, .greater, .greaterEqual, .equal, .notEqual, .select, .convert, .bitcast,
    // Random numbers and derivatives, elementwise.
    .randomBits, .stopGradient,
    // Arrangement.
    .broadcast, .reshape, .transpose, .slice, .concatenate, .pad, .gather, .scatter, .scatterAdd,
    // Reduction.
    .reduce, .scan, .topK, .sort, .segmentIDs, .segmentSum, .segmentMax,
    // Products.
    .contract, .segmentMatmul,
    // Control.
    .loop,
    // Composites.
    .softmax, .logSumExp, .relativeLogSumExp, .layerNorm, .rmsNorm, .normGradient, .rotary, .linearAttention,
    // Fused: made by passes.
    .map, .linear, .attention, .attentionReduce, .attentionTopK, .pairSums, .pairScatter,
    // Derivatives: requests, and what keeps values apart for them.
    .vjp, .jvp, .identity,
  ]
}

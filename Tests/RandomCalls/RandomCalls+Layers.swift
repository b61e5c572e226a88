import HeedDSL
import HeedIR

extension RandomCall {
  /// Layers and their parameters.
  nonisolated(unsafe) static let layers: [RandomCall] = [
    RandomCall("Linear") {
      let x = $0.float()
      guard $0.flag() else {
        return Linear(weight: $0.float(), bias: $0.optional { $0.float() }, factors: $0.optional { $0.element() })(x)
      }
      return Linear(
        $0.name(), in: $0.g, inputs: $0.size(), outputs: $0.size(), hasBias: $0.flag(), element: $0.element(),
        factors: $0.optional { $0.element() })(x)
    },
    RandomCall("Embedding") {
      let indices = $0.integer()
      guard $0.flag() else { return Embedding(weight: $0.tensor())(indices) }
      return Embedding($0.name(), in: $0.g, count: $0.size(), size: $0.size(), element: $0.element())(indices)
    },
    RandomCall("LayerNorm RMSNorm BatchNorm GroupNorm") {
      let (g, name, size, epsilon, element, x) = ($0.g, $0.name(), $0.size(), $0.double(), $0.element(), $0.float())
      switch $0.pick([0, 1, 2, 3]) {
      case 0: return LayerNorm(name, in: g, size: size, epsilon: epsilon, element: element)(x)
      case 1: return RMSNorm(name, in: g, size: size, epsilon: epsilon, element: element)(x)
      case 2: return BatchNorm(name, in: g, size: size, epsilon: epsilon, element: element)(x, dimension: $0.int())
      default: return GroupNorm(name, in: g, groups: $0.int(), size: size, epsilon: epsilon, element: element)(x)
      }
    },
    RandomCall("initialize initializer linearBias") {
      let initializers: [Initializer] = [.zeros, .linearBias(inputs: $0.int()), .normal(mean: $0.double(), deviation: $0.double())]
      let tensor = $0.g.initialize($0.tensor(), $0.pick(initializers))
      _ = $0.g.initializers.initializer(of: $0.name())
      let pattern = NamePattern($0.pick(["", "*", "**"]) + $0.name() + $0.pick(["", "*", ".*"]))
      _ = pattern.matches($0.name())
      $0.g.initializers[pattern] = .zeros
      _ = try? Graph.withInitializers($0.name()) { $0.input("x", .f32, ["S"]) }
      return tensor
    },
    RandomCall("FeedForward Activation") {
      let x = $0.float()
      guard $0.flag() else {
        return FeedForward(
          $0.name(), in: $0.g, size: $0.size(), hiddenSize: $0.size(), isGated: $0.flag(), hasBias: $0.flag(),
          activation: $0.pick(Activation.allCases))(x)
      }
      let map = Linear(weight: $0.float())
      return FeedForward(up: map, down: Linear(weight: $0.float()), gate: $0.optional { Linear(weight: $0.float()) })(x)
    },
    RandomCall("RotaryEmbedding") {
      RotaryEmbedding(size: $0.size(), base: $0.double(), isInterleaved: $0.flag())(
        $0.float(), positions: $0.optional { $0.integer() })
    },
    RandomCall("sinusoidalEncoding") {
      sinusoidalEncoding(
        $0.integer(), size: $0.size(), base: $0.double(), isInterleaved: $0.flag(), element: $0.element())
    },
    RandomCall("alibiSlopes alibiBias") {
      let x = $0.scores()
      _ = alibiSlopes(headCount: Swift.min($0.int(), 1 << 16))
      return alibiBias(x)
    },
    RandomCall("RelativePositionBias") {
      let scores = $0.scores()
      guard $0.flag() else {
        return RelativePositionBias(
          table: Embedding(weight: $0.tensor()), bucketCount: $0.size(), maximumDistance: $0.int(), isBidirectional: $0.flag())(
            scores)
      }
      return RelativePositionBias(
        $0.name(), in: $0.g, headCount: $0.size(), bucketCount: $0.int(), maximumDistance: $0.int(), isBidirectional: $0.flag())(
          scores)
    },
  ]

  /// Attention in all its forms.
  nonisolated(unsafe) static let attentions: [RandomCall] = [
    RandomCall("splittingHeads mergingHeads repeatingHeads") {
      let (x, count) = ($0.tensor(), $0.int())
      return $0.pick([{ x.splittingHeads(count) }, { x.mergingHeads() }, { x.repeatingHeads(count) }])()
    },
    RandomCall("MultiHeadAttention attend headOutputs KeyValueCache") {
      let (x, context) = ($0.float(), $0.optional { $0.float() })
      var attention: MultiHeadAttention
      if $0.flag() {
        let map = Linear(weight: $0.float())
        attention = MultiHeadAttention(
          query: map, key: map, value: Linear(weight: $0.float()), output: map, headCount: $0.int(),
          keyValueHeadCount: $0.optional { $0.int() },
          element: $0.optional { $0.element() })
      } else {
        attention = MultiHeadAttention(
          $0.name(), in: $0.g, size: $0.size(), headCount: $0.int(), keyValueHeadCount: $0.optional { $0.int() },
          contextSize: $0.optional { $0.size() })
      }
      let (mask, score, other) = ($0.mask(), $0.score(), $0.tensor())
      let position = RotaryEmbedding(size: $0.size())
      attention.headGates = $0.optional { $0.float() }
      if $0.flag() {
        let batch = $0.flag() ? Shape(x.shape.extents.dropLast(2)) : $0.shape()
        let cache = KeyValueCache($0.name(), in: $0.g, for: attention, batch: batch, capacity: $0.extent())
        let count = $0.integer()
        guard $0.flag() else { return attention(x, cache: cache, at: count, mask: mask, scores: score) }
        return attention(x, cache: cache, at: count, position: { position($0) })
      }
      return $0.pick([
        { attention(x, context: context) }, { attention(x, context: context, mask: mask) },
        { attention(x, mask: mask, scores: score, score) },
        { attention(x, scores: score) }, { attention(x, position: { position($0) }, bias: { $0 + other }, mask: { _ in other }) },
        { attention.headOutputs(of: x) }, { attention.attend(x, mask: mask, scores: score).probabilities },
        { attention.attend(x, context: context).probabilities },
      ])()
    },
    RandomCall("linearAttention LinearAttentionState") {
      let (q, k, v) = ($0.float(), $0.float(), $0.float())
      let (normalized, epsilon, decay) = ($0.flag(), $0.double(), $0.optional { $0.float() })
      guard $0.flag() else {
        let same = $0.flag()
        return linearAttention(
          q, same ? q : k, same ? q : v, causal: $0.flag(), normalized: normalized, epsilon: epsilon, logDecay: decay,
          offsets: $0.optional { $0.integer() })
      }
      let state = $0.optional { LinearAttentionState(matrix: $0.float(), keySum: $0.optional { $0.float() }) }
      return linearAttention(q, q, v, from: state, normalized: normalized, epsilon: epsilon, logDecay: decay).output
    },
    RandomCall("attendingByResidue") {
      let (q, k, v, other) = ($0.float(), $0.float(), $0.float(), $0.tensor())
      let isRight = $0.flag()
      return attendingByResidue(q, $0.flag() ? q : k, v, count: $0.int()) { q, k, v in
        isRight ? matmul(softmax(matmul(q, k.transposed())), v) : other
      }
    },
    RandomCall("ONNX.Attention") {
      let (q, k, v) = ($0.float(), $0.float(), $0.float())
      let attention = ONNX.Attention(
        isCausal: $0.flag(), scale: $0.optional { $0.double() }, softcap: $0.double(),
        softmaxPrecision: $0.optional { $0.element() },
        queryHeadCount: $0.optional { $0.int() }, keyValueHeadCount: $0.optional { $0.int() }, leftWindowSize: $0.int(),
        rightWindowSize: $0.int(), qkMatmulOutputMode: $0.pick(ONNX.Attention.ScoreStage.allCases))
      let outputs = attention(
        q, $0.flag() ? q : k, $0.flag() ? q : v, mask: $0.optional { $0.tensor() }, past: $0.optional { ($0.float(), $0.float()) },
        nonpadKeyValueLengths: $0.optional { $0.integer() })
      return [outputs.output, outputs.presentKey, outputs.presentValue, outputs.qkMatmulOutput]
    },
    RandomCall("ONNX.RotaryEmbedding") {
      let rotation = ONNX.RotaryEmbedding(
        isInterleaved: $0.flag(), rotaryEmbeddingSize: $0.int(), headCount: $0.optional { $0.int() })
      return rotation($0.float(), cosines: $0.float(), sines: $0.float(), positionIDs: $0.optional { $0.integer() })
    },
    RandomCall("ONNX.FlexAttention") {
      let attention = ONNX.FlexAttention(scale: $0.optional { $0.double() }, softmaxPrecision: $0.optional { $0.element() })
      let (q, other) = ($0.scores(), $0.tensor())
      return attention(q, q, $0.flag() ? q : $0.float(), scoreMod: { $0 + other }, probMod: $0.flag() ? nil : { $0 * 2 })
    },
  ]
}

extension BadArguments {
  /// A number of features: one that fits a tensor, or any.
  mutating func size() -> Int { flag() ? tensors.last?.shape.extents.last?.constant ?? 4 : int() }
}

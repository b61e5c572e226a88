public import HeedIR

extension ONNX {
  /// ONNX's Attention, opsets 23 to 25: `softmax(softcap(scale * Q K^T) + bias) V`.
  ///
  /// Q is `[B, H, M, D]`, K is `[B, G, N, D]` and V `[B, G, N, E]`; the result is `[B, H, M, E]`. G divides H, and each head of keys serves
  /// H/G heads of queries in a row. Or Q is `[B, M, H*D]`, K `[B, N, G*D]`, V `[B, N, G*E]` and the result `[B, M, H*E]`, with the
  /// head counts as attributes.
  ///
  /// A pair of query i and key j is live where `isCausal`, the window, `mask` and `nonpadKeyValueLengths` all allow it. Query i is
  /// at position i + `offset` among the keys. The offset is the number of past keys; or the valid keys minus M; or 0 where neither
  /// is given, so that query i sees the keys up to i, whatever M and N are (top-left). For a query that sees no key, the result and
  /// the probabilities are 0. The score of a masked pair has no influence, NaN or not; its value must be finite, as in ONNX.
  ///
  /// Opset 23 has neither `nonpadKeyValueLengths` nor masks that are shorter than the keys, and opset 24 has no windows. What they
  /// have means the same in all three.
  public struct Attention: Hashable, Sendable {
    /// `is_causal`: query i attends key j where j <= i + offset.
    public var isCausal: Bool
    /// `scale`: what products of queries and keys are multiplied by; nil for 1/sqrt(D).
    public var scale: Double?
    /// `softcap`: where above 0, scores s become `softcap * tanh(s / softcap)`, before any mask.
    public var softcap: Double
    /// `softmax_precision`: nil for the type of Q. Never less than f32 is used; f64 widens everything from the products on.
    public var softmaxPrecision: ElementType?
    /// `q_num_heads`: H, where Q has three dimensions.
    public var queryHeadCount: Int?
    /// `kv_num_heads`: G, where K and V have three dimensions.
    public var keyValueHeadCount: Int?
    /// `left_window_size`: query i attends key j where j >= i + offset - size; -1 for all.
    public var leftWindowSize: Int
    /// `right_window_size`: query i attends key j where j <= i + offset + size; -1 for all.
    public var rightWindowSize: Int
    /// `qk_matmul_output_mode`: the stage of the scores that the last output shows.
    public var qkMatmulOutputMode: ScoreStage

    /// A stage of the scores, numbered as ONNX does.
    public enum ScoreStage: Int, Hashable, Sendable, CaseIterable {
      /// The scaled products.
      case products = 0
      /// After the soft cap.
      case softcapped = 1
      /// After the mask: -inf where a pair is masked.
      case masked = 2
      /// After the softmax: 0 in every row where all pairs are masked.
      case probabilities = 3
    }

    /// The operator with these attributes; without them, ONNX's defaults.
    public init(
      isCausal: Bool = false, scale: Double? = nil, softcap: Double = 0, softmaxPrecision: ElementType? = nil,
      queryHeadCount: Int? = nil, keyValueHeadCount: Int? = nil, leftWindowSize: Int = -1, rightWindowSize: Int = -1,
      qkMatmulOutputMode: ScoreStage = .products
    ) {
      (self.isCausal, self.scale, self.softcap, self.softmaxPrecision) = (isCausal, scale, softcap, softmaxPrecision)
      (self.queryHeadCount, self.keyValueHeadCount) = (queryHeadCount, keyValueHeadCount)
      (self.leftWindowSize, self.rightWindowSize) = (leftWindowSize, rightWindowSize)
      self.qkMatmulOutputMode = qkMatmulOutputMode
    }

    /// What the operator returns.
    public struct Outputs {
      /// `Y`, of the type and the number of dimensions of Q.
      public let output: Tensor
      /// `present_key`: the past keys, then the new ones, `[B, G, P + N, D]`.
      public let presentKey: Tensor
      /// `present_value`: the past values, then the new ones, `[B, G, P + N, E]`.
      public let presentValue: Tensor
      /// `qk_matmul_output`: `[B, H, M, P + N]`, of the type of Q. Returning it stores all the scores.
      public let qkMatmulOutput: Tensor
    }

    /// - Parameters:
    ///   - query: Q.
    ///   - key: K. All the keys with `nonpadKeyValueLengths`, else those that follow the past ones.
    ///   - value: V.
    ///   - mask: `attn_mask`, which broadcasts to `[B, H, M, P + N]`: bools, true where a query may attend, or floats that are added to the
    ///     scores, -inf where it may not. Its last dimension may be shorter than the keys (one of extent 1 is such): the rest is dead.
    ///   - past: `past_key` and `past_value`, `[B, G, P, D]` and `[B, G, P, E]`.
    ///   - nonpadKeyValueLengths: `nonpad_kv_seqlen`: how many keys of each sequence are not padding, integers `[B]`; not with
    ///     `past`.
    public func callAsFunction(
      _ query: Tensor, _ key: Tensor, _ value: Tensor, mask: Tensor? = nil, past: (key: Tensor, value: Tensor)? = nil,
      nonpadKeyValueLengths: Tensor? = nil, file: String = #filePath, line: Int = #line
    ) -> Outputs {
      query.builder.located(file, line) {
        guard let (query4, key4, value4) = checked(query, key, value, mask, past != nil, nonpadKeyValueLengths) else {
          let failed = query.builder.poison(query.type)
          return Outputs(output: failed, presentKey: failed, presentValue: failed, qkMatmulOutput: failed)
        }
        let presentKey = past.map { concatenate([$0.key, key4], dimension: 2) } ?? key4
        let presentValue = past.map { concatenate([$0.value, value4], dimension: 2) } ?? value4
        // Keys beyond the mask are dead: they are left out.
        let (keys, columns) = (presentKey.extent(2), mask?.extent(-1) ?? presentKey.extent(2))
        let isShort = !query.builder.areEqual(keys, columns)
        if let mask, let most = keys.constant, let got = columns.constant, got > most {
          query.builder.fail("\(Self.name): got the mask \(mask.summary) for \(most) keys, expected at most \(most) columns", nil)
        }
        func seen(_ x: Tensor) -> Tensor { isShort ? x[.all, .all, .range(0, columns)] : x }

        let element = ONNX.computingType([query, key, value], precision: softmaxPrecision)
        func capped(_ scores: Tensor) -> Tensor { softcap > 0 ? tanh(scores / softcap) * softcap : scores }
        let products = ONNX.scores(query4, seen(presentKey), scale: scale, as: element, Self.name)
        let rules = PairRules(
          scores: products, offset: past.map { .extent($0.key.extent(2)) } ?? nonpadKeyValueLengths.map { .lengths($0) } ?? .none)
        let masked = rules.masking(capped(products), self, mask)
        let probabilities = softmax(masked)
        let output = ONNX.weighedSum(probabilities, seen(presentValue), Self.name).cast(to: query.element)

        func whole(_ scores: Tensor, with rest: Double) -> Tensor {
          isShort ? scores.padded(low: [0, 0, 0, 0], high: [0, 0, 0, keys - columns], with: rest) : scores
        }
        let allProducts = isShort ? ONNX.scores(query4, presentKey, scale: scale, as: element, Self.name) : products
        let stage =
          switch qkMatmulOutputMode {
          case .products: allProducts
          case .softcapped: capped(allProducts)
          case .masked: whole(masked, with: -.infinity)
          case .probabilities: whole(probabilities, with: 0)
          }
        return Outputs(
          output: query.rank == 3 ? output.mergingHeads() : output, presentKey: presentKey, presentValue: presentValue,
          qkMatmulOutput: stage.cast(to: query.element))
      }
    }

    static let name = "ONNX.Attention"

    /// Queries, keys and values with their heads as a dimension, or nil after recording what is wrong.
    private func checked(
      _ query: Tensor, _ key: Tensor, _ value: Tensor, _ mask: Tensor?, _ hasPast: Bool, _ lengths: Tensor?
    ) -> (Tensor, Tensor, Tensor)? {
      func mistake(_ message: String) -> (Tensor, Tensor, Tensor)? {
        query.builder.fail("\(Self.name): \(message)", nil)
        return nil
      }
      let operands = [query, key, value]
      let got = "got \(operands.map(\.summary).joined(separator: ", "))"
      guard operands.allSatisfy({ $0.element.isFloat }) else { return mistake("\(got), expected floats") }
      guard [3, 4].contains(query.rank), key.rank == query.rank, value.rank == query.rank else {
        return mistake("\(got), expected three tensors of rank 3 or of rank 4")
      }
      for (size, side) in [(leftWindowSize, "left"), (rightWindowSize, "right")] where size < -1 {
        return mistake("got the \(side) window size \(size), expected at least 0, or -1 for none")
      }
      guard !hasPast || lengths == nil else { return mistake("got past keys and nonpadKeyValueLengths, expected one of them") }
      if let lengths, lengths.rank != 1 || !lengths.element.isInteger {
        return mistake("got the lengths \(lengths.summary), expected integers [\(query.extent(0))]")
      }
      if let mask, !(1...4).contains(mask.rank) || !(mask.element == .bool || mask.element.isFloat) {
        return mistake("got the mask \(mask.summary), expected bools or floats of rank 1 to 4")
      }
      guard query.rank == 3 else {
        for (count, tensor) in [(queryHeadCount, query), (keyValueHeadCount, key)] {
          guard let count, tensor.extent(1) != Extent(count) else { continue }
          return mistake("got \(count) heads for \(tensor.summary), expected \(tensor.extent(1)), or none for rank 4")
        }
        return (query, key, value)
      }
      guard let queryHeadCount, let keyValueHeadCount else {
        return mistake("\(got) without head counts, expected queryHeadCount and keyValueHeadCount for rank 3")
      }
      return (
        query.splittingHeads(queryHeadCount, Self.name), key.splittingHeads(keyValueHeadCount, Self.name),
        value.splittingHeads(keyValueHeadCount, Self.name)
      )
    }
  }
}

import HeedDSL
import HeedIR

extension RandomCall {
  /// Masks over scores, and pairs.
  nonisolated(unsafe) static let masks: [RandomCall] = [
    RandomCall("Mask where") {
      let (mask, scores, other) = ($0.mask(), $0.scores(), $0.double())
      return $0.flag() ? mask(scores) : scores.where(mask, else: other)
    },
    RandomCall("weights softmax") {
      let (scores, mask) = ($0.scores(), $0.mask())
      return $0.flag() ? weights(scores, mask) { relu($0) } : softmax(scores, sink: $0.tensor())
    },
    RandomCall("Pairs perBatch perHead element at") {
      let (pairs, table, index) = (Pairs($0.scores()), $0.tensor(), $0.integer())
      let moved = pairs.at(query: index, key: pairs.key)
      return $0.pick([
        { pairs.perBatch(table) }, { pairs.perHead(table) }, { pairs.element(of: table, at: index) },
        { pairs.element(of: table, at: pairs.query) }, { moved.element(of: table, at: moved.key) },
        { pairs.element(of: table, at: pairs.query, pairs.key) }, { pairs.element(of: table, at: index, index) },
        { pairs.batch + pairs.head + pairs.query },
      ])()
    },
  ]

  /// Changes of scores.
  nonisolated(unsafe) static let scores: [RandomCall] = [
    RandomCall("Score applying then") {
      let (scores, a, b) = ($0.scores(), $0.score(), $0.score())
      return $0.flag() ? scores.applying(a, b) : $0.flag() ? a.then(b)(scores) : a(scores, Pairs(scores))
    }
  ]
}

extension BadArguments {
  /// A mask of the library; its functions by name: all queries keys heads table causal aligned slidingWindow dilatedSlidingWindow
  /// strided fixed globalSlidingWindow bigBird prefixLM batchify blockDiffusion neighbourhood tiledNeighbourhood mortonNeighbourhood
  /// standAlone checkerboard treeCausal draftBlocks spatialHead temporalHead chosenBlocks blockMap blockPadding documents
  /// packedCausalDocuments nested sharedPrefix visionCrossAttention slidingTile and or not if.
  mutating func mask() -> Mask {
    let (a, b, c, where_) = (int(), int(), int(), alignment())
    let (table, other, bools) = (integer(), integer(), tensor(.bool))
    let (first, second, third) = (pair(), pair(), pair())
    let (rows, columns) = (extent(), extent())
    let isFlag = flag()
    func simple(_ number: Int) -> Mask { number % 2 == 0 ? .causal(where_) : .keys(below: a) }
    let masks: [() -> Mask] = [
      { .all }, { .queries(below: a) }, { .keys(below: a) }, { .keys(below: table) }, { .heads(Swift.min(a, b)..<Swift.max(a, b)) },
      { .heads(bools) }, { .table(bools) }, { .causal(where_) }, { Mask.causal(.topLeft).aligned(where_ ?? .bottomRight) },
      { .slidingWindow(before: a, after: b, where_) }, { .dilatedSlidingWindow(reach: a, dilation: b, where_) },
      { .strided(a, where_) },
      { .fixed(a, summaries: b) }, { .globalSlidingWindow(radius: a, isGlobal: bools) },
      { .bigBird(blockSize: a, windowBlocks: b, globalBlocks: c, randomBlocks: table) }, { .prefixLM(a, where_) },
      { .prefixLM(table, where_) }, { .batchify(a, simple(b)) }, { .blockDiffusion(count: rows, blockSize: a) },
      { .neighbourhood(grid: (rows, columns), kernel: first) }, { .tiledNeighbourhood(grid: first, kernel: second, tile: third) },
      { .mortonNeighbourhood(side: rows, kernel: first) }, { .standAlone(columns: columns, radius: a) },
      { .checkerboard(blockSize: a) },
      { .treeCausal(bools, prefixLength: a) }, { .draftBlocks(prefixLength: a, blockSize: b) },
      { .spatialHead(promptLength: a, frameLength: b, reach: c, includesFirstFrame: isFlag) },
      { .temporalHead(promptLength: a, frameLength: b, reach: c) }, { .chosenBlocks(table, blockSize: a) },
      { .blockMap(bools, blockSize: a) }, { .blockPadding(table, blockSize: a) }, { .documents(table, isFlag ? simple(a) : nil) },
      { .documents(ids: table, keys: isFlag ? other : nil) }, { .packedCausalDocuments(table) },
      { .nested(queryOffsets: table, keyOffsets: other) }, { .sharedPrefix(table, prefixes: other) },
      { .visionCrossAttention(table, tokensPerImage: a) },
      { .slidingTile(grid: first, kernel: second, tile: third, textLength: a) },
      { .slidingTile(grid: (a, b, c), kernel: (a, first.rows, b), tile: (1, second.rows, c), textLength: b) },
      { simple(a) & simple(b) | !simple(c) }, { simple(a).and(simple(b)).or(simple(c)).not },
      { simple(a).if(.heads(0..<1), else: simple(b)) },
      { Mask { $0.query % a == $0.key / b } }, { Mask { _ in bools } },
    ]
    return pick(masks)()
  }

  /// A change of scores of the library; its functions by name: bias perHeadBias alibi sandwich graphDistances graphEdges latentRotary
  /// relativePositions relativeTable relativeGridTable softCap approximateSoftCap.
  mutating func score() -> Score {
    let (x, y, z, entries) = (float(), float(), integer(), integer())
    let (a, number, grid, isFlag) = (int(), double(), pair(), flag())
    let scores: [() -> Score] = [
      { .bias(x) }, { .perHeadBias(x) }, { .alibi(slopes: isFlag ? x : nil) }, { .sandwich(size: a) },
      { .graphDistances(x, distances: z) },
      { .graphEdges(x, edges: z, lengths: entries) }, { .latentRotary(query: x, key: y, scale: number) },
      { .relativePositions(RelativePositionBias(table: Embedding(weight: x), bucketCount: a)) }, { .relativeTable(x) },
      { .relativeGridTable(x, grid: grid) }, { .softCap(number) }, { .approximateSoftCap(number) },
      { Score { score, pair in score + pair.perHead(x) } },
    ]
    return pick(scores)()
  }
}

import HeedIR
import HeedSchedule

extension GraphPass {
  /// `choose-tiles` sets the sizes of the blocks that products are computed in, for the caches of the target.
  ///
  ///     %o = attention %q, %k, %v ... : f32[B, 8, S, 64]
  /// becomes, for AVX-512
  ///     %o = attention %q, %k, %v ... {tile = [96, 384]} : f32[B, 8, S, 64]
  ///
  /// Legal because a tile does not change an op's meaning. Rows are a multiple of the register tile's 8, columns of the width of a
  /// packed panel, which is three vectors. Sums of 8 rows and 3 vectors fill the registers of AVX-512, and are a few instructions
  /// on smaller machines. A tile that is set already stays; one that `heed tune` found is preferred to the model's.
  public static let chooseTiles = GraphPass(
    "choose-tiles", summary: "choose block sizes for the caches of the target"
  ) { graph, context in
    var rewriter = GraphRewriter(graph)
    let model = TileModel(target: context.target)
    for node in graph.body {
      let isOpen = graph.attributes(node)[.tile] == nil
      guard isOpen, let choice = model.tile(of: node, in: graph) else {
        rewriter.copy(node)
        continue
      }
      let key = graph.tileKey(node)
      let tuned = context.tunedTiles.entry(key, model: choice.tile)
      let tile = tuned?.tile ?? choice.tile
      let new = try rewriter.result.append(
        graph.op(node), graph.operands(node).map { rewriter($0) },
        attributes: graph.attributes(node).all + [Attribute(.tile, [tile.rows, tile.columns])],
        regions: Array(graph.regions(node)), stated: graph.results(node).map(graph.type))
      let value = rewriter.result.results(new)[0]
      for (from, to) in zip(graph.results(node), rewriter.result.results(new)) { rewriter.replace(from, with: to) }
      context.remark(.note, value, in: rewriter.result, tuned.map(Self.reason) ?? choice.reason)
      context.tileChoices.append(
        TileChoice(
          label: rewriter.result.label(value), key: key, tile: tile, model: choice.tile, steps: model.steps(of: node, in: graph)))
    }
    graph = rewriter.finish()
  }

  /// Why a tile that was measured was taken.
  private static func reason(_ entry: TunedTiles.Entry) -> String {
    let share = Int((100 * (entry.gain - 1)).rounded())
    return entry.tile == entry.model
      ? "tiles of \(entry.tile): the model's choice, and heed tune found none better"
      : "tiles of \(entry.tile): heed tune measured them \(share) % faster than the model's \(entry.model)"
  }
}

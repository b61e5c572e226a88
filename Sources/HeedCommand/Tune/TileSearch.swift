import Heed

/// A search for the fastest tiles of a graph's ops, one op after the other, from the model's choice on: along the rows, along the columns,
/// then once more in small steps. A candidate and the best so far take turns.
struct TileSearch {
  /// Compiles with these options and returns a function that calls the result.
  typealias Preparation = (CompileOptions) throws -> () throws -> Void

  let graph: Graph
  let options: CompileOptions
  /// For how long a candidate and the best so far are compared.
  let seconds: Double
  let prepare: Preparation
  /// With one thread, what the processor spent: then other processes do not disturb the search.
  private var time: Stopwatch.Time { options.threads == 1 ? .processor : .wall }

  /// A candidate this much slower than the best in its first calls is dropped.
  private static let hopeless = 1.25
  /// What a candidate must gain to replace the best, so that noise does not.
  private static let leastGain = 1.01

  /// What was found for one kind of op.
  struct Finding {
    let choice: TileChoice
    let entry: TunedTiles.Entry
    let modelSeconds: Double
    let bestSeconds: Double
    let tried: Int

    var text: String {
      let off = fixed(100 * (entry.gain - 1), 1)
      let found =
        entry.tile == entry.model
        ? "none better" : "best \(entry.tile) with \(shownTime(bestSeconds)): the model is \(off) % off"
      return "\(choice.label): model \(entry.model) with \(shownTime(modelSeconds)), of \(tried) others \(found)"
    }

    var json: JSON {
      func sizes(_ tile: TileSize) -> JSON { .array([JSON(tile.rows), JSON(tile.columns)]) }
      return .object([
        "op": .string(choice.label), "key": .string(choice.key), "model": sizes(entry.model), "model_seconds": JSON(modelSeconds),
        "best": sizes(entry.tile), "best_seconds": JSON(bestSeconds), "gain": JSON(entry.gain), "tried": JSON(tried),
      ])
    }
  }

  /// What was found, in the order of the ops; one for all ops of a kind.
  /// - Parameter report: is called before each tile that is measured.
  func run(report: (TileChoice, TileSize) -> Void = { _, _ in }) throws -> [Finding] {
    var options = options
    options.tuning = .none
    var tiles = TunedTiles()
    var findings: [Finding] = []
    for choice in try graph.optimized(options).tileChoices where tiles.entries[choice.key] == nil {
      let finding = try tune(choice, given: tiles, report)
      tiles.entries[choice.key] = finding.entry
      findings.append(finding)
    }
    return findings
  }

  private struct Candidate {
    let tile: TileSize
    let call: () throws -> Void
    var seconds: Double
  }

  private func candidate(_ tile: TileSize, _ choice: TileChoice, given tiles: TunedTiles) throws -> Candidate {
    var (options, tiles) = (options, tiles)
    tiles.entries[choice.key] = TunedTiles.Entry(tile: tile, model: choice.model, gain: 1)
    options.tuning = .tiles(tiles)
    let call = try prepare(options)
    try call()
    return Candidate(tile: tile, call: call, seconds: try Stopwatch.times(for: seconds / 10, counting: time, call).min()!)
  }

  private func tune(_ choice: TileChoice, given tiles: TunedTiles, _ report: (TileChoice, TileSize) -> Void) throws -> Finding {
    report(choice, choice.model)
    let model = try candidate(choice.model, choice, given: tiles)
    var best = model
    var seen: Set = [choice.model]
    for factors in [[0.5, 2, 0.25, 3, 0.75, 1.5], []] {
      for axis in [\TileSize.rows, \TileSize.columns] {
        for size in sizes(best.tile[keyPath: axis], step: choice.steps[keyPath: axis], factors) {
          var tile = best.tile
          tile[keyPath: axis] = size
          guard seen.insert(tile).inserted else { continue }
          report(choice, tile)
          var rival = try candidate(tile, choice, given: tiles)
          guard rival.seconds < Self.hopeless * best.seconds else { continue }
          let times = try Stopwatch.turns(for: seconds, counting: time, rounds: 3, [best.call, rival.call])
          (best.seconds, rival.seconds) = (times[0].best, times[1].best)
          if rival.seconds * Self.leastGain < best.seconds { best = rival }
        }
      }
    }
    let tried = seen.count - 1
    guard best.tile != choice.model else {
      let entry = TunedTiles.Entry(tile: choice.model, model: choice.model, gain: 1)
      return Finding(choice: choice, entry: entry, modelSeconds: best.seconds, bestSeconds: best.seconds, tried: tried)
    }
    // Once more, longer: the best of many candidates is in part the luckiest.
    let times = try Stopwatch.turns(for: 3 * seconds, counting: time, [model.call, best.call])
    let gain = times[0].best / times[1].best
    let isBetter = gain > Self.leastGain
    let entry = TunedTiles.Entry(tile: isBetter ? best.tile : choice.model, model: choice.model, gain: isBetter ? gain : 1)
    return Finding(
      choice: choice, entry: entry, modelSeconds: times[0].best, bestSeconds: isBetter ? times[1].best : times[0].best, tried: tried
    )
  }

  /// Sizes about `size`: its multiples by `factors`, rounded to `step`; without factors a step or two away.
  private func sizes(_ size: Int, step: Int, _ factors: [Double]) -> [Int] {
    let sizes =
      factors.isEmpty
      ? [size - step, size + step, size - 2 * step, size + 2 * step]
      : factors.map { max(1, Int((Double(size) * $0 / Double(step)).rounded())) * step }
    return sizes.filter { (step...4096).contains($0) && $0 != size }
  }
}

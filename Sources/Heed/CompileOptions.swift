internal import Foundation
public import HeedIR
public import HeedPasses
public import HeedRuntime

/// How a graph is compiled. The defaults are the best choice for this machine.
public struct CompileOptions: Sendable {
  /// What code is generated for. Code for another machine's processor can be printed, not run.
  public var target: Target = .host
  /// The number of threads that run tiles; nil for `HEED_THREADS` of the environment, or else the cores that this process may
  /// use. The results do not depend on it.
  public var threads: Int?
  /// The graph passes and what to do between them.
  public var pipeline = PassPipeline()
  /// The tiles that were found by measuring.
  public var tuning: Tuning = .stored
  /// Where objects are kept from one process to the next; nil for the folder that the environment names.
  public var cache: ObjectCache?
  /// The most memory that a call may take; nil for whatever is fastest and the system has.
  public var memoryLimit: MemoryLimit?
  /// Whether attention finds the live tiles of its score matrix and only counts them, which leaves its result undefined: to measure
  /// what classification takes.
  package var classifiesOnly = false

  /// Where to look for tiles that were found by measuring.
  public enum Tuning: Hashable, Sendable {
    /// What `heed tune` stored with the objects of `cache`; nothing where `HEED_TUNED=off` is in the environment.
    case stored
    /// Nowhere: the model chooses.
    case none
    case tiles(TunedTiles)
  }

  /// Options with everything else at its default.
  public init(
    target: Target = .host, threads: Int? = nil, pipeline: PassPipeline = PassPipeline(), cache: ObjectCache? = nil,
    memoryLimit: MemoryLimit? = nil
  ) {
    (self.target, self.threads, self.pipeline, self.cache) = (target, threads, pipeline, cache)
    self.memoryLimit = memoryLimit
  }
}

extension CompileOptions {
  /// The tiles that `tuning` means.
  package var tunedTiles: TunedTiles {
    switch tuning {
    case .none: TunedTiles()
    case .tiles(let tiles): tiles
    case .stored:
      ProcessInfo.processInfo.environment["HEED_TUNED"] == "off" ? TunedTiles() : tileStore.load()
    }
  }

  /// Where tuned tiles for the target are kept.
  package var tileStore: TileStore { TileStore(cache ?? .standard, target: target) }
}

public import HeedIR
public import HeedPasses
public import HeedRuntime

/// How a graph is compiled. The defaults are the best there is for this machine.
public struct CompileOptions: Sendable {
  /// What code is generated for. Code for another machine's processor can be looked at, not run.
  public var target: Target = .host
  /// The number of threads that run tiles; nil for `HEED_THREADS` of the environment, or else the cores that this process may
  /// use. The results do not depend on it.
  public var threads: Int?
  /// The graph passes and what to do between them.
  public var pipeline = PassPipeline()
  /// Where objects are kept from one process to the next; nil for the folder that the environment names.
  public var cache: ObjectCache?

  public init(
    target: Target = .host, threads: Int? = nil, pipeline: PassPipeline = PassPipeline(), cache: ObjectCache? = nil
  ) {
    (self.target, self.threads, self.pipeline, self.cache) = (target, threads, pipeline, cache)
  }
}

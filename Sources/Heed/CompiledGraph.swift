public import HeedArrays
public import HeedIR
public import HeedRuntime

/// A graph as native code, for any values of its symbols. Any number of threads may call it at once.
///
/// ```swift
/// let attention = try graph.compile()
/// let out = try attention(["q": q, "k": k, "v": v])   // see `Outputs`
/// ```
///
/// The parameters of a graph are bound first: `try graph.compile().load(parameters: weights)`.
public final class CompiledGraph: Sendable {
  /// The graph after the passes, the program and the remarks.
  public let lowered: LoweredGraph
  private let executor: Executor
  private let loaded: LoadedProgram?
  private let resultNames: [String]

  init(_ lowered: LoweredGraph, _ executor: Executor, _ loaded: LoadedProgram?) {
    (self.lowered, self.executor, self.loaded) = (lowered, executor, loaded)
    resultNames = lowered.program.results.map(\.name.text)
  }

  /// The optimised graph.
  public var graph: Graph { lowered.graph }
  /// What runs: kernel calls over planned buffers.
  public var program: Program { lowered.program }
  /// What was fused and proved, what was not, and why.
  public var remarks: Remarks { lowered.remarks }
  /// The number of threads that run tiles.
  public var threadCount: Int { executor.threadCount }

  /// The same code with the graph's parameters bound, and packed as its kernels want them. Arrays that packing has replaced are
  /// not kept. What that takes, and what calls will take, is `memoryPlan(sizes:)`.
  /// - Throws: where a parameter is missing, unknown, or not of its declared type; the error names it. Where loading needs more memory than
  ///   the limit or than the system has left, before anything is allocated.
  public func load(parameters: [String: NDArray]) throws -> CompiledGraph {
    try load(parameters: parameters.map { ($0.key, $0.value) })
  }

  /// The same for Swift arrays and numbers.
  @_disfavoredOverload
  public func load(parameters: [String: any NDArrayConvertible]) throws -> CompiledGraph {
    try load(parameters: try parameters.arrays("parameter"))
  }

  /// The same code with parameters bound to what a state holds under their names: a model that was trained. What else the state holds,
  /// such as an optimiser's moments, is left out.
  /// - Throws: where a parameter is missing or not of its declared type; the error names it.
  public func load(_ state: GraphState) throws -> CompiledGraph {
    let names = Set(graph.arguments.filter { $0.role == .parameter }.map { graph.name($0.value).text })
    return try load(parameters: state.arrays.filter { names.contains($0.key) })
  }

  /// The same for a list, in which a repeated name is an error.
  package func load(parameters: [(name: String, array: NDArray)]) throws -> CompiledGraph {
    CompiledGraph(lowered, executor, try executor.load(parameters))
  }

  /// The bytes that a call takes, and loading, before anything runs.
  ///
  /// ```swift
  /// let plan = try program.memoryPlan(sizes: ["B": 16])
  /// ```
  /// - Parameter sizes: the values of the graph's symbols. Those that the parameters decide need not be given once these are loaded.
  /// - Throws: where a symbol has no value or is unknown, or an extent or a promise about extents does not hold.
  public func memoryPlan(sizes: [String: Int] = [:]) throws -> MemoryPlan {
    var sizes = sizes
    let names = Set(graph.symbols)
    for (name, value) in loaded?.parameterLengths ?? [:] where names.contains(name) && sizes[name.text] == nil {
      sizes[name.text] = value
    }
    return try lowered.memoryPlan(sizes: sizes)
  }

  /// The bytes that a call with these inputs takes.
  /// - Throws: where an input is missing, unknown or not of its declared type, or extents do not fit each other.
  package func memoryPlan(_ inputs: [(name: String, array: NDArray)], states: [String: NDArray]) throws -> MemoryPlan {
    guard let loaded else { throw parametersAreMissing }
    return try MemoryPlan(program, loaded.lengths(inputs, states: states))
  }

  private var parametersAreMissing: HeedError {
    let names = program.buffers.filter { $0.storage == .parameter }.map { "'\($0.name)'" }
    return HeedError(
      "got a call of \(program.name) without its parameters (\(names.listed)), expected load(parameters:) before")
  }

  /// Runs the graph on `inputs`.
  ///
  /// Numbers written in place take the declared type of the input: `["x": [[0.1, 0.2]]]`. Arrays of another type convert to it where
  /// no value is lost.
  /// - Throws: where an input is missing, unknown or not of its declared type; where extents do not fit each other or the facts;
  ///   where offsets or indices are out of range. The error names the input, what was got and what was expected. Where the call needs more
  ///   memory than the limit or than the system has left: the error names the largest buffers, and nothing has been allocated.
  public func callAsFunction(_ inputs: [String: NDArray] = [:]) throws -> Outputs {
    try run(inputs.map { ($0.key, $0.value) })
  }

  /// Runs the graph on `inputs` and replaces its states.
  ///
  /// ```swift
  /// let loss: NDArray = try step(["ids": ids], updating: &state)
  /// ```
  /// - Parameter state: holds an array for each state of the graph, and perhaps others: see `Graph.initialState`. It is as it was where the
  ///   call throws.
  /// - Throws: as a call without states does, and where a state is missing or not of its declared type.
  public func callAsFunction(_ inputs: [String: NDArray] = [:], updating state: inout GraphState) throws -> Outputs {
    try run(inputs.map { ($0.key, $0.value) }, states: &state.arrays)
  }

  /// The same for a graph of one result.
  public func callAsFunction<Result: OnlyResult>(_ inputs: [String: NDArray] = [:], updating state: inout GraphState) throws
    -> Result
  {
    try Result(only: self(inputs, updating: &state) as Outputs)
  }

  /// The same for Swift arrays and numbers: `["x": [1, 2, 3] as [Float]]`.
  @_disfavoredOverload
  public func callAsFunction(_ inputs: [String: any NDArrayConvertible]) throws -> Outputs { try run(try inputs.arrays("input")) }

  /// The same for a graph of one result: `let y: NDArray = try program(inputs)`.
  public func callAsFunction<Result: OnlyResult>(_ inputs: [String: NDArray] = [:]) throws -> Result {
    try Result(only: self(inputs) as Outputs)
  }

  /// The same for Swift arrays and numbers, and a graph of one result.
  @_disfavoredOverload
  public func callAsFunction<Result: OnlyResult>(_ inputs: [String: any NDArrayConvertible]) throws -> Result {
    try Result(only: self(inputs) as Outputs)
  }

  /// Runs the graph on `inputs` and says how long each kernel call took.
  /// - Throws: as a call does.
  public func timed(_ inputs: [String: NDArray]) throws -> (outputs: Outputs, timings: [StepTiming]) {
    var timings: [StepTiming] = []
    let outputs = try run(inputs.map { ($0.key, $0.value) }, timings: &timings)
    return (outputs, timings)
  }

  /// - Parameter guarding: puts results and intermediate buffers between guard pages: for tests.
  package func run(
    _ inputs: [(name: String, array: NDArray)], timings: UnsafeMutablePointer<[StepTiming]>? = nil, guarding: GuardedMemory? = nil
  ) throws -> Outputs {
    let states = program.buffers.filter { $0.storage == .state }.map { "'\($0.name)'" }
    guard states.isEmpty else {
      throw HeedError("got a call of \(program.name) without its states (\(states.listed)), expected one with updating: &state")
    }
    var none: [String: NDArray] = [:]
    return try run(inputs, states: &none, timings: timings, guarding: guarding)
  }

  /// The same with what the states hold.
  package func run(
    _ inputs: [(name: String, array: NDArray)], states: inout [String: NDArray],
    timings: UnsafeMutablePointer<[StepTiming]>? = nil, guarding: GuardedMemory? = nil
  ) throws -> Outputs {
    guard let loaded else { throw parametersAreMissing }
    return try lowered.source.explainingLengths {
      Outputs(names: resultNames, try loaded.call(inputs, states: &states, timings: timings, guarding: guarding))
    } lengths: {
      try loaded.lengths(inputs, states: states)
    }
  }
}

extension [String] {
  /// The first three, and that there are more.
  fileprivate var listed: String { prefix(3).joined(separator: ", ") + (count > 3 ? ", ..." : "") }
}

extension [String: any NDArrayConvertible] {
  /// The values as arrays, under their names.
  /// - Throws: where a nested one is ragged; the error names it as `kind`.
  func arrays(_ kind: String) throws -> [(name: String, array: NDArray)] {
    try map { name, value in
      do { return (name, try value.array()) } catch let error as HeedError { throw error.during("\(kind) '\(name)'") }
    }
  }
}

extension Graph {
  /// The graph as native code: passes, lowering, code generation, linking.
  /// - Throws: the first mistake made in building the graph, or what a later stage finds: an op without a kernel for its element
  ///   type, a target that this machine cannot run.
  public func compile(_ options: CompileOptions = CompileOptions()) throws -> CompiledGraph {
    try options.target.expectHost()
    return try holdingForks { try lowered(options).compile(options) }
  }
}

extension Target {
  /// - Throws: where this machine cannot run code for the target.
  package func expectHost() throws {
    guard !runsOnHost else { return }
    let able = Self.all.filter(\.runsOnHost).map(\.name).joined(separator: ", ")
    throw HeedError("got target \(self), whose code this machine cannot run, expected one of \(able)")
  }
}

extension LoweredGraph {
  /// The program as native code.
  package func compile(_ options: CompileOptions) throws -> CompiledGraph {
    let (pool, code) = try holdingForks {
      (
        try ThreadPool.shared(threads: options.threads),
        try NativeCode(verified.kernels, target: target, cache: options.cache ?? .standard)
      )
    }
    let executor = Executor(verified, code: code.kernels, codeOwner: code, pool: pool, memoryLimit: options.memoryLimit?.byteCount)
    return CompiledGraph(self, executor, executor.hasParameters ? nil : try executor.load())
  }
}

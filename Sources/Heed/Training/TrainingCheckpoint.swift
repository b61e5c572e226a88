internal import HeedArrays
public import HeedData
internal import HeedIR
internal import HeedModels
internal import HeedSystem

/// A training run between two steps: everything that the rest of the run follows from.
///
/// The file is one of the format safetensors. The arrays of the state have their names, so `GraphState(contentsOf:)` and other programs
/// read the weights; the rest is metadata. The same run writes the same bytes, whatever it was interrupted by.
public struct TrainingCheckpoint: Sendable {
  /// Weights, and what the optimiser keeps.
  public var state: GraphState
  /// The steps made.
  public var step = 0
  /// Where the next batch is.
  public var position = DataPosition.start
  /// What the seed of each step follows from.
  public var seed: UInt64
  /// What the batches follow from.
  public var data: DataIdentity
  /// The step after which the model was evaluated last.
  public var evaluatedStep: Int?
  /// The best number of all evaluations.
  public var best: Double?
  /// The step after which it was measured.
  public var bestStep: Int?
  /// How many evaluations in a row were not better than the best.
  public var patienceCount = 0

  /// The start of a run.
  public init(state: GraphState, seed: UInt64, data: DataIdentity) { (self.state, self.seed, self.data) = (state, seed, data) }

  private static let format = "1"

  private var metadata: [String: String] {
    var fields = [
      "heed.checkpoint": Self.format, "step": "\(step)", "position": "\(position)", "seed": "\(seed)", "dataset": data.dataset,
      "batch_size": data.batchSize, "data_seed": data.seed, "patience_count": "\(patienceCount)",
    ]
    fields["evaluated_step"] = evaluatedStep.map { "\($0)" }
    fields["best"] = best.map { "\($0)" }
    fields["best_step"] = bestStep.map { "\($0)" }
    return fields
  }

  /// Writes the checkpoint to a file: under another name first, which replaces the file when all is on the disk.
  /// - Throws: `HeedError` where the file cannot be written; one that was there before is then untouched.
  public func write(to path: String) throws {
    var fields = metadata
    let arrays = state.names.map { (name: $0, array: state[$0]!) }
    fields["checksum"] = Self.checksum(fields, arrays)
    try SafetensorsFile.write(arrays, metadata: fields, to: path, durably: true)
  }

  /// Reads the checkpoint in a file.
  /// - Throws: `HeedError` in one line that names the file, where it is cut short, damaged, or not a checkpoint.
  public init(contentsOf path: String) throws {
    let file = try SafetensorsFile(path: path)
    var fields = file.metadata
    func damaged(_ what: String) -> HeedError { HeedError("reading \(path): got \(what)") }
    guard let format = fields["heed.checkpoint"] else { throw damaged("arrays without a place in a run, expected a checkpoint") }
    guard format == Self.format else { throw damaged("a checkpoint of format \(format), expected format \(Self.format)") }
    let arrays = try file.names.sorted().map { (name: $0, array: try file.array($0)) }
    let checksum = fields.removeValue(forKey: "checksum")
    guard checksum == Self.checksum(fields, arrays) else { throw damaged("bytes that do not fit the checksum: it is damaged") }
    guard let step = fields["step"].flatMap({ Int($0) }), let position = fields["position"].flatMap({ DataPosition($0) }),
      let seed = fields["seed"].flatMap({ UInt64($0) }), let dataset = fields["dataset"], let batchSize = fields["batch_size"],
      let dataSeed = fields["data_seed"], let patience = fields["patience_count"].flatMap({ Int($0) })
    else { throw damaged("a checkpoint without its place in a run") }
    self.init(
      state: GraphState(Dictionary(uniqueKeysWithValues: arrays.map { ($0.name, $0.array) })), seed: seed,
      data: DataIdentity(dataset: dataset, batchSize: batchSize, seed: dataSeed))
    (self.step, self.position, patienceCount) = (step, position, patience)
    evaluatedStep = fields["evaluated_step"].flatMap { Int($0) }
    best = fields["best"].flatMap { Double($0) }
    bestStep = fields["best_step"].flatMap { Int($0) }
  }

  private static func checksum(_ fields: [String: String], _ arrays: [(name: String, array: NDArray)]) -> String {
    var checksum = Checksum()
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) { checksum.add("\(key) \(value)") }
    for (name, array) in arrays {
      checksum.add("\(name) \(array.element)\(array.shape)")
      let whole = array.contiguous()
      withExtendedLifetime(whole.storage) { checksum.add(whole.bytes) }
    }
    return checksum.text
  }

  /// - Throws: `HeedError` where the rest of the run would have other batches or other seeds.
  func expect(_ data: DataIdentity, seed: UInt64) throws {
    let pairs = [
      ("the dataset \(data.dataset)", self.data.dataset == data.dataset, self.data.dataset),
      ("batches of \(data.batchSize)", self.data.batchSize == data.batchSize, self.data.batchSize),
      ("the seed \(data.seed) of the data", self.data.seed == data.seed, self.data.seed),
      ("the seed \(seed) of the run", self.seed == seed, "\(self.seed)"),
    ]
    for (got, isSame, expected) in pairs where !isSame { throw HeedError("got \(got), expected \(expected) as before") }
  }
}

internal import HeedIR

/// Chooses which units to compute again, so that less memory is in use.
///
/// Greedy and deterministic. At the moment at which most is in use, each unit that is kept over it is a candidate: it could be computed
/// again before its next reader. The one that costs the least time for each byte that it frees is taken, where no other moment then uses
/// more. A smaller budget so takes the same choices and further ones.
///
/// To compute a unit again needs what it is made of. Each part that is not there is kept for longer or computed again as well, whichever is
/// better at the price of a byte that the candidate itself has (Dinkelbach, 1967).
struct RecomputationSearch {
  private let model: MemoryModel
  private var cuts: [[Int]]
  private(set) var schedule: MemorySchedule
  /// Whether nothing is left that lessens the peak.
  private(set) var isExhausted = false

  init(_ model: MemoryModel) {
    self.model = model
    cuts = Array(repeating: [], count: model.byteCounts.count)
    schedule = MemorySchedule(model, cuts: cuts)
  }

  /// The most bytes of the workspace in use at one moment.
  var peak: Int { schedule.peak.byteCount }

  /// Takes choices until the peak is at most `byteCount`, or nothing lessens it.
  mutating func reduce(to byteCount: Int) {
    while peak > byteCount, !isExhausted { isExhausted = !takeOne() }
  }

  /// Takes the best choice that lessens the peak.
  private mutating func takeOne() -> Bool {
    let (most, count) = (peak, schedule.fullestCount)
    for candidate in candidates() {
      var next = cuts
      for unit in candidate.units {
        let place = next[unit].firstIndex { $0 >= candidate.time } ?? next[unit].count
        if place == next[unit].count || next[unit][place] != candidate.time { next[unit].insert(candidate.time, at: place) }
      }
      let tried = MemorySchedule(model, cuts: next)
      guard (tried.peak.byteCount, tried.fullestCount) < (most, count) else { continue }
      (cuts, schedule) = (next, tried)
      return true
    }
    return false
  }

  /// Units to compute again from a time on.
  private struct Candidate {
    let units: [Int]
    let time: Int
    /// Seconds for each byte that is freed at the peak.
    let price: Double
  }

  /// What could be computed again so that less is in use at the peak, the cheapest for each byte first.
  private func candidates() -> [Candidate] {
    let position = schedule.peak.execution
    guard position < schedule.executions.count else { return [] }
    let now = schedule.executions[position].time
    var found: [Candidate] = []
    for instance in schedule.instances where instance.life.contains(position) {
      guard let index = instance.uses.firstIndex(where: { $0 >= position }), instance.uses[index] > position else { continue }
      let next = instance.uses[index]
      let time = next < schedule.executions.count ? schedule.executions[next].time : model.order.count
      guard time > now, !model.writers[instance.unit].isEmpty else { continue }
      if let candidate = candidate(instance.unit, from: now + 1, next: next, peak: position) { found.append(candidate) }
    }
    return found.enumerated().sorted { ($0.element.price, $0.offset) < ($1.element.price, $1.offset) }.map(\.element)
  }

  private func candidate(_ unit: Int, from time: Int, next: Int, peak: Int) -> Candidate? {
    // At first everything that is not there is computed again; then what is worth the price so found.
    var price = Double.infinity
    var best: Candidate?
    for _ in 0..<3 {
      var cone = Cone(self, peak: peak, next: next, price: price)
      cone.computeAgain(unit)
      let freed = model.byteCounts[unit] - cone.keptByteCount
      guard freed > 0 else { break }
      price = cone.seconds / Double(freed)
      if let best, best.price <= price { break }
      best = Candidate(units: cone.units, time: time, price: price)
    }
    return best
  }

  /// How long the nodes run that write a unit.
  private func seconds(_ unit: Int) -> Double { model.writers[unit].reduce(0) { $0 + model.seconds[Int($1.index)] } }

  /// What must run again for one unit, and what must be kept for longer.
  private struct Cone {
    private let search: RecomputationSearch
    private let peak: Int
    private let next: Int
    private let price: Double
    private(set) var units: [Int] = []
    private(set) var seconds = 0.0
    private(set) var keptByteCount = 0
    private var seen: Set<Int> = []
    private var costs: [Int: Double] = [:]

    init(_ search: RecomputationSearch, peak: Int, next: Int, price: Double) {
      (self.search, self.peak, self.next, self.price) = (search, peak, next, price)
    }

    mutating func computeAgain(_ unit: Int) {
      guard seen.insert(unit).inserted else { return }
      units.append(unit)
      seconds += search.seconds(unit)
      for part in parts(of: unit) where !isThere(part) {
        if costToKeep(part) <= costToCompute(part) {
          if seen.insert(part).inserted { keptByteCount += search.model.byteCounts[part] }
        } else {
          computeAgain(part)
        }
      }
    }

    private func parts(of unit: Int) -> [Int] {
      search.model.writers[unit].flatMap { search.model.unitsRead($0) }.filter { $0 != unit }
    }

    /// Whether the unit is in memory at the peak anyway, or is written behind it.
    private func isThere(_ unit: Int) -> Bool {
      guard let last = search.lastInstance(of: unit, before: next) else { return true }
      return last.life.upperBound >= peak
    }

    private func costToKeep(_ unit: Int) -> Double {
      let bytes = search.model.byteCounts[unit]
      return bytes == 0 ? 0 : price * Double(bytes)
    }

    private mutating func costToCompute(_ unit: Int) -> Double {
      if let known = costs[unit] { return known }
      costs[unit] = .infinity
      var cost = search.seconds(unit)
      for part in parts(of: unit) where !isThere(part) { cost += min(costToKeep(part), costToCompute(part)) }
      costs[unit] = cost
      return cost
    }
  }

  /// The instance of a unit that an execution would read.
  private func lastInstance(of unit: Int, before execution: Int) -> MemorySchedule.Instance? {
    schedule.instancesOfUnit[unit].last { schedule.instances[$0].life.lowerBound < execution }.map { schedule.instances[$0] }
  }

  /// The graph with the nodes that run again, each before its first reader, in blocks `recompute`.
  func graph() throws -> Graph {
    var rewriter = GraphRewriter(model.graph)
    var block: (time: Int, id: BlockID)?
    for execution in schedule.executions {
      if execution.isAgain {
        if block?.time != execution.time { block = (execution.time, rewriter.addRecomputation()) }
        rewriter.copyAgain(execution.node, in: block!.id)
      } else {
        rewriter.copy(execution.node)
      }
    }
    return rewriter.finish()
  }
}

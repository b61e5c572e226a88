import HeedDSL
public import HeedIR
import HeedTestSupport

/// Random calls of the language that build a graph, up to the first mistake.
///
/// As text it is a line for the graph and one per call, each with the seed of what is random in it; a call that is left out changes the
/// arguments of others only where these use what it made:
///
///     graph 17
///     softmax logSoftmax: 1234
public struct CallSequence {
  /// What determines the arguments of the graph.
  public let seed: UInt64
  private let calls: [(call: RandomCall, seed: UInt64)]

  /// Calls that the seed determines.
  public init(seed: UInt64, count: Int) {
    self.seed = seed
    var numbers = SeededGenerator(seed: seed)
    calls = (0..<count).map { _ in (numbers.pick(RandomCall.all), numbers.next()) }
  }

  /// Nil where the text is not of such calls.
  public init?(text: String) {
    let lines = text.split(separator: "\n")
    guard let first = lines.first, first.hasPrefix("graph "), let seed = UInt64(first.dropFirst(6)) else { return nil }
    self.seed = seed
    var calls: [(RandomCall, UInt64)] = []
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":")
      guard parts.count == 2, let seed = UInt64(parts[1].drop { $0 == " " }),
        let call = RandomCall.all.first(where: { $0.names == parts[0] })
      else { return nil }
      calls.append((call, seed))
    }
    self.calls = calls
  }

  /// The text that makes this sequence again.
  public var text: String { "graph \(seed)\n" + calls.map { "\($0.call.names): \($0.seed)\n" }.joined() }

  /// Makes the calls.
  /// - Parameter observe: is told the names of each call before it is made.
  /// - Returns: the graph up to the first mistake, nil where the first call was one; and how many calls were made.
  public func graph(observe: (String) -> Void = { _ in }) -> (graph: Graph?, made: Int) {
    var (made, good): (Int, Graph?) = (0, nil)
    _ = Graph("fuzz") { g in
      var arguments = BadArguments(seed: seed, g)
      for (call, seed) in calls {
        made += 1
        observe(call.names)
        arguments.numbers = SeededGenerator(seed: seed)
        // At one place: the place of an operator would be looked up on the stack, which takes long.
        arguments.tensors += g.located("fuzz", made) { call.call(&arguments) }
        guard g.graph.failure == nil else { break }
        good = g.graph
        good?.setResults(arguments.tensors.suffix(2).compactMap(\.value))
      }
      return arguments.tensors.filter { $0.builder === g }.suffix(1).map { $0 }
    }
    return (good, made)
  }
}

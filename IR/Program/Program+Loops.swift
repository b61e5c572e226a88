extension Program {
  /// Steps that run once per number of a loop, with a symbol that stands for the number.
  public struct Loop: Hashable, Sendable {
    /// The positions of the steps among all; never empty. Loops lie inside each other or apart, the outer ones first in `loops`.
    public var steps: Range<Int>
    /// What stands for the number in the operands' offsets and the kernels' symbols.
    public var symbol: Name
    /// The numbers are 0 and so on below this,
    public var end: Extent
    /// and below this too, if it is there; it may be negative.
    public var limit: Extent?
    /// Whether the greatest number comes first.
    public var isReversed: Bool

    /// A loop over these steps.
    public init(steps: Range<Int>, symbol: Name, end: Extent, limit: Extent? = nil, isReversed: Bool = false) {
      (self.steps, self.symbol, self.end, self.limit, self.isReversed) = (steps, symbol, end, limit, isReversed)
    }

    /// The number of times that the steps run, given the values of the extents.
    package static func count(end: Int, limit: Int?) -> Int { max(0, min(end, limit ?? end)) }
  }

  /// Steps in the order in which they run.
  package enum Block {
    /// The step of this position.
    case call(Int)
    /// What the loop of this position repeats.
    case loop(Int, [Block])
  }

  /// The steps and loops as they lie inside each other.
  package var blocks: [Block] {
    var next = 0
    return blocks(steps.indices, &next)
  }

  private func blocks(_ range: Range<Int>, _ next: inout Int) -> [Block] {
    var (blocks, step): ([Block], Int) = ([], range.lowerBound)
    while step < range.upperBound {
      guard next < loops.count, loops[next].steps.lowerBound == step else {
        blocks.append(.call(step))
        step += 1
        continue
      }
      let loop = next
      next += 1
      blocks.append(.loop(loop, self.blocks(loops[loop].steps, &next)))
      step = loops[loop].steps.upperBound
    }
    return blocks
  }

  /// For each buffer that steps name, from the first step to the last during which what it holds may still be read.
  ///
  /// What is used inside a loop and elsewhere, or read there before it is written, lives as long as the loop runs.
  package var lives: [Int: ClosedRange<Int>] {
    var lives: [Int: ClosedRange<Int>] = [:]
    for (step, call) in steps.enumerated() {
      for operand in call.operands { lives[operand.buffer] = (lives[operand.buffer]?.lowerBound ?? step)...step }
    }
    for loop in loops.reversed() {
      let range = loop.steps.lowerBound...loop.steps.upperBound - 1
      var isWrittenFirst: [Int: Bool] = [:]
      for call in steps[loop.steps] {
        for (parameter, operand) in zip(kernels[call.kernel].parameters, call.operands) where isWrittenFirst[operand.buffer] == nil
        {
          isWrittenFirst[operand.buffer] = parameter.role == .output
        }
      }
      for (buffer, life) in lives where life.overlaps(range) {
        let isInside = range.contains(life.lowerBound) && range.contains(life.upperBound)
        guard !isInside || isWrittenFirst[buffer] == false else { continue }
        lives[buffer] = min(life.lowerBound, range.lowerBound)...max(life.upperBound, range.upperBound)
      }
    }
    return lives
  }

  /// Why the loops do not lie among the steps as they should; nil where they do.
  func mistakeInLoops() -> String? {
    var open: [Range<Int>] = []
    var last = 0
    for loop in loops {
      guard !loop.steps.isEmpty, loop.steps.lowerBound >= last, loop.steps.upperBound <= steps.count else {
        return "got a loop over the steps \(loop.steps) of \(steps.count), expected some behind those of the loops before"
      }
      last = loop.steps.lowerBound
      while let outer = open.last, outer.upperBound <= loop.steps.lowerBound { open.removeLast() }
      if let outer = open.last, loop.steps.upperBound > outer.upperBound {
        return "got a loop over the steps \(loop.steps), which ends behind the loop over \(outer) around it"
      }
      open.append(loop.steps)
    }
    return nil
  }

  /// The loops around a step, outermost first.
  package func loops(around step: Int) -> [Loop] { loops.filter { $0.steps.contains(step) } }
}

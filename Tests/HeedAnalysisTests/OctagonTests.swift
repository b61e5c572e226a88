import HeedAnalysis
import HeedIR
import HeedTestSupport
import Testing

/// The octagon against all pairs of small rectangles.
@Suite struct OctagonTests {
  /// An octagon over a rectangle of the code's first four parameters, cut by random forms whose rests are the other parameters.
  private struct Cut {
    var code = FunctionBuilder(parameters: (0..<7).map { .init(Name("p\($0)"), .i64) })
    var octagon: Octagon
    var forms: [LinearForm] = []

    /// - Parameter hasSums: whether forms bound i + j, too.
    init(_ numbers: inout SeededGenerator, hasSums: Bool) {
      octagon = Octagon(
        query: Bounds(low: ScalarValue(0), high: ScalarValue(1)), key: Bounds(low: ScalarValue(2), high: ScalarValue(3)), &code)
      var slopes = [(1, -1), (-1, 1), (1, 0), (0, -1), (-1, 0), (0, 1), (3, -3), (2, 0), (2, -1)]
      if hasSums { slopes += [(1, 1), (-1, -1), (-2, -2)] }
      for rest in 0..<Int.random(in: 1...3, using: &numbers) {
        let slope = slopes.randomElement(using: &numbers)!
        let form = LinearForm(query: slope.0, key: slope.1, rest: ScalarValue(4 + rest))
        let isTaken = octagon.meet(form, &code)
        #expect(isTaken == (slope != (2, -1)))
        if isTaken { forms.append(form) }
      }
      octagon.close(&code)
    }
  }

  /// The values of `form` on the pairs of a rectangle that satisfy the cut's forms.
  private func values(_ form: LinearForm, _ cut: Cut, _ arguments: [Int]) -> [Int] {
    func value(_ form: LinearForm, _ i: Int, _ j: Int) -> Int { form.query * i + form.key * j + arguments[form.rest.index] }
    return (arguments[0]...arguments[1]).flatMap { i in
      (arguments[2]...arguments[3]).compactMap { j in
        cut.forms.allSatisfy { value($0, i, j) <= 0 } ? value(form, i, j) : nil
      }
    }
  }

  private func randomArguments(_ numbers: inout SeededGenerator) -> [Int] {
    let (i, j) = (Int.random(in: 0...9, using: &numbers), Int.random(in: 0...9, using: &numbers))
    let rectangle = [i, i + Int.random(in: 0...6, using: &numbers), j, j + Int.random(in: 0...6, using: &numbers)]
    return rectangle + (0..<3).map { _ in Int.random(in: -12...12, using: &numbers) }
  }

  /// The bounds of a form hold for every pair of the octagon, and where a pair is in it, it is not said to be empty.
  @Test func boundsHold() throws {
    var numbers = SeededGenerator(seed: 1)
    for _ in 0..<300 {
      var cut = Cut(&numbers, hasSums: true)
      let form = LinearForm(
        query: Int.random(in: -3...3, using: &numbers), key: Int.random(in: -3...3, using: &numbers), rest: ScalarValue(4))
      let bounds = cut.octagon.bounds(form, &cut.code)
      let mayHold = cut.octagon.mayHold(&cut.code)
      let function = cut.code.finish([bounds.low, bounds.high, mayHold])
      for _ in 0..<4 {
        let arguments = randomArguments(&numbers)
        let answers = try function.evaluate(arguments.map { Literal($0) }).map { Int($0.integer) }
        for value in values(form, cut, arguments) {
          #expect(answers[0] <= value && value <= answers[1] && answers[2] == 1, "\(form) in \(cut.forms) at \(arguments)")
        }
      }
    }
  }

  /// Without bounds of sums, a closed octagon is empty exactly where it says so, and its bounds are reached.
  @Test func closedOctagonsAreTight() throws {
    var numbers = SeededGenerator(seed: 2)
    for _ in 0..<300 {
      var cut = Cut(&numbers, hasSums: false)
      let zero = cut.code.whole(0)
      // Of the forms: i, j, i - j.
      let forms = [(1, 0), (0, 1), (1, -1)].map { LinearForm(query: $0.0, key: $0.1, rest: zero) }
      let ends = [cut.octagon.query, cut.octagon.key, cut.octagon.difference].flatMap { [$0.low, $0.high] }
      let mayHold = cut.octagon.mayHold(&cut.code)
      let function = cut.code.finish([mayHold] + ends)
      for _ in 0..<4 {
        let arguments = randomArguments(&numbers)
        let answers = try function.evaluate(arguments.map { Literal($0) }).map { Int($0.integer) }
        for (position, form) in forms.enumerated() {
          var shown = form
          shown.rest = ScalarValue(4)
          let reached = values(shown, cut, arguments).map { $0 - arguments[4] }
          #expect((answers[0] == 1) == !reached.isEmpty, "\(cut.forms) at \(arguments)")
          if let least = reached.min(), let most = reached.max() {
            #expect(
              [least, most] == Array(answers[1 + 2 * position...2 + 2 * position]), "\(form) in \(cut.forms) at \(arguments)")
          }
        }
      }
    }
  }
}

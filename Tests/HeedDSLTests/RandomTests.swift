import HeedDSL
import HeedIR
import HeedInterpreter
import Testing

@Suite struct RandomTests {
  @Test func bitsText() throws {
    let bits = try text { g in
      let key = g.randomKey(g.input("seed", .i64), stream: 3)
      return g.randomBits(g.input("x", .f32, ["S", 6]).shape, key: key)
    }
    #expect(
      bits == """
        %0 = iota {dim = 0} : i64[S, 6]
        %1 = iota {dim = 1} : i64[S, 6]
        %2 = multiply %0, 8 : i64[S, 6]
        %3 = add %2, %1 : i64[S, 6]
        %4 = random_bits %seed, 3, %3 : i32[S, 6]
        return %4
        """)
  }

  /// A row is a whole number of blocks of four, whatever its length.
  @Test func positions() throws {
    let seed = 11
    let results = try run { g in
      let key = g.randomKey(seed)
      return [g.randomBits([2, 3, 5], key: key), g.randomBits([7], key: key), g.randomBits(.scalar, key: key)]
    }
    func words(_ positions: [Int]) -> [Int64] {
      positions.map { position in
        Op.randomBits.scalar!.apply([seed, 0, position].map { Literal($0) }, types: [.i64, .i64, .i64], result: .i32).integer
      }
    }
    #expect(results[0].integers == words((0..<6).flatMap { row in (0..<5).map { 8 * row + $0 } }))
    #expect(results[1].integers == words(Array(0..<7)))
    #expect(results[2].integers == words([0]))
  }

  /// Draws of one seed in different streams differ, and so do those of different seeds; a narrow seed is widened.
  @Test func keys() throws {
    let results = try run(["seed": integers([5], [])]) { g in
      let key = g.randomKey(5)
      return [key, key.stream(1), g.randomKey(6), g.randomKey(g.input("seed", .i32)), g.randomKey(5, stream: 1)].map {
        g.randomBits([100], key: $0)
      }
    }.map(\.integers)
    #expect(results[0] == results[3] && results[1] == results[4])
    for (left, right) in [(0, 1), (0, 2), (1, 2)] { #expect(zip(results[left], results[right]).allSatisfy { $0 != $1 }) }
  }

  @Test(arguments: [(ElementType.f64, 53), (.f32, 24), (.f16, 11), (.bf16, 8)])
  func uniformIsAGrid(_ element: ElementType, _ digits: Int) throws {
    let numbers = try run { g in g.uniform([4096], element, key: g.randomKey(1)) }[0]
    let steps = numbers.reals.map { $0 * Double(sign: .plus, exponent: digits, significand: 1) }
    #expect(numbers.element == element && steps.allSatisfy { $0 == $0.rounded() && $0 >= 0 })
    #expect(numbers.reals.allSatisfy { $0 < 1 && element.round($0) == $0 })
    // The lowest digit is there.
    #expect(steps.contains { $0.remainder(dividingBy: 2) != 0 })
  }

  @Test(arguments: [0.25, 0.5, 0.9375]) func bernoulliIsUniformBelow(_ probability: Double) throws {
    let results = try run { g in
      let key = g.randomKey(2)
      return [g.bernoulli([1000], probability: probability, key: key), g.uniform([1000], key: key) < probability]
    }
    #expect(results[0].integers == results[1].integers && results[0].element == .bool)
  }

  @Test func certainty() throws {
    let results = try run(["x": reals([1, .nan, .infinity])]) { g in
      let (x, key) = (g.input("x", .f32, [3]), g.randomKey(1))
      return [
        g.bernoulli([3], probability: 0, key: key), g.bernoulli([3], probability: 1, key: key),
        x.dropout(probability: 1, key: key),
      ]
    }
    #expect(results[0].integers == [0, 0, 0] && results[1].integers == [1, 1, 1] && results[2].reals == [0, 0, 0])
    #expect(try text { g in g.input("x", .f32, [3]).dropout(probability: 0, key: g.randomKey(1)) }.hasSuffix("return %x"))
  }

  /// What is kept is divided by how likely it is kept; what is dropped is 0, NaN or not.
  @Test(arguments: [ElementType.f32, .bf16, .f64]) func dropout(_ element: ElementType) throws {
    let values = (0..<200).map { $0 % 7 == 0 ? Double.nan : element.round(Double($0) / 16) }
    let results = try run(["x": reals(values, [20, 10], element)]) { g in
      let (x, key) = (g.input("x", element, [20, 10]), g.randomKey(3))
      return [x.dropout(probability: 0.2, key: key), g.bernoulli([20, 10], probability: 0.8, key: key)]
    }
    #expect(results[0].element == element && Set(results[1].integers) == [0, 1])
    for (value, (got, isKept)) in zip(values, zip(results[0].reals, results[1].integers)) {
      let expected = isKept == 1 ? element.round(value * 1.25) : 0
      #expect(got == expected || got.isNaN && expected.isNaN)
    }
  }

  @Test func normalIsFinite() throws {
    for element in [ElementType.f64, .f32, .f16, .bf16] {
      let numbers = try run { g in g.normal([4096], element, key: g.randomKey(4)) }[0]
      #expect(numbers.element == element && numbers.reals.allSatisfy { abs($0) < 6.7 })
    }
  }

  @Test func stopGradientKeepsNumbers() throws {
    #expect(try text { stopGradient($0.input("x", .i8, [2])) } == "%0 = stop_gradient %x : i8[2]\nreturn %0")
    #expect(try run(["x": reals([1, -.infinity])]) { stopGradient($0.input("x", .f32, [2])) }[0].reals == [1, -.infinity])
  }

  @Test func attentionLayerDropsWeights() throws {
    let lines = try text { g in
      var attention = MultiHeadAttention("attention", in: g, size: 8, headCount: 2)
      attention.dropout = (0.5, g.randomKey(7))
      return attention(g.input("x", .f32, ["S", 8]))
    }
    #expect(lines.contains("random_bits 7, 0, "))
  }

  @Test func mistakes() {
    func message(_ build: (GraphBuilder) -> Tensor) -> String? { mistake(build)?.message }
    #expect(message { g in g.uniform([2], .i32, key: g.randomKey(1)) } == "got random numbers of type i32, expected a float type")
    #expect(message { g in g.normal([2], .bool, key: g.randomKey(1)) } == "got random numbers of type bool, expected a float type")
    #expect(
      message { g in g.bernoulli([2], probability: 1.5, key: g.randomKey(1)) }
        == "got the probability 1.5, expected one from 0 to 1")
    #expect(
      message { g in g.input("x", .f32, [2]).dropout(probability: .nan, key: g.randomKey(1)) }
        == "got the probability nan, expected one from 0 to 1")
    #expect(
      message { g in g.input("n", .i32, [2]).dropout(probability: 0.5, key: g.randomKey(1)) }
        == "dropout: got %n: i32[2], expected floats")
    #expect(
      message { g in g.randomBits([2], key: g.randomKey(g.input("seed", .i64, [2]))) }
        == "got the seed %seed: i64[2], expected an integer scalar")
    #expect(
      message { g in g.randomBits([2], key: g.randomKey(g.input("seed", .f32))) }
        == "got the seed %seed: f32, expected an integer scalar")
  }
}

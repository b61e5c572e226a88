import Heed

/// A transformer of attention alone that predicts the next letter.
struct InductionModel {
  var layers = 2
  var width = 64
  static let heads = 4
  static let letters = 26
  static let length = 32
  /// Letters of a block that is repeated, in tests.
  static let repeated = 12

  /// What a layer read, what it adds to the rows `[B, T, width]`, and the weights of its heads.
  struct Layer {
    let attention: MultiHeadAttention
    let rows: Tensor
    let added: Tensor
    let weights: Tensor
  }

  /// A layer whose heads know the order by learned biases of relative positions. A gate of 0 takes a head out.
  func attend(_ x: Tensor, gates: Tensor, _ g: GraphBuilder) -> Layer {
    var attention = MultiHeadAttention("attention", in: g, size: width, headCount: Self.heads, hasBias: false)
    attention.headGates = gates
    let table = g.initialize(g.parameter("bias", .f32, [Extent(Self.heads), 33]), .zeros)
    let (added, weights) = attention.attend(x, mask: .causal(), scores: .relativeTable(table))
    return Layer(attention: attention, rows: x, added: added, weights: weights)
  }

  /// The tables of letters before and after, the layers, and the logits of the next letter, `[B, T, letters]`.
  func run(_ g: GraphBuilder) -> (ids: Tensor, letters: Tensor, answers: Tensor, layers: [Layer], logits: Tensor) {
    let letters = Embedding("letters", in: g, count: Self.letters, size: width)
    let answers = Linear("answers", in: g, inputs: width, outputs: Self.letters, hasBias: false)
    let ids = g.input("ids", .i32, ["B", Extent(Self.length)])
    var x = letters(ids)
    let gates = g.input("gates", .f32, [Extent(layers), Extent(Self.heads)])
    let made = (0..<layers).map { number in
      let layer = g.scope("layer\(number + 1)") { attend(x, gates: gates[number], g) }
      x += layer.added
      return layer
    }
    return (ids, letters.weight, answers.weight, made, answers(x))
  }

  func loss(_ g: GraphBuilder) -> Tensor {
    crossEntropy(run(g).logits, g.input("targets", .i32, ["B", Extent(Self.length)])).named("loss")
  }

  // MARK: What heads do

  /// On sequences that repeat a block of `repeated` letters: `losses [T]`, and for each head, first those of layer 1, four numbers.
  func roles(_ g: GraphBuilder) -> [Tensor] {
    let (ids, letters, answers, layers, logits) = run(g)
    let targets = g.input("targets", .i32, ["B", Extent(Self.length)])
    let repeated = Self.repeated
    func each(_ score: (Layer) -> Tensor) -> Tensor { concatenate(layers.map(score)) }
    let same = ids.expandingDimension(2) == ids.roll(1, dimension: 1).expandingDimension(1)
    /// The weight of the pairs that are meant, on average over the queries from a place on.
    func weight(_ layer: Layer, from start: Int, _ isMeant: (Pairs) -> Tensor) -> Tensor {
      let weights = select(isMeant(Pairs(layer.weights)), layer.weights, 0)
      return weights.sum(-1)[.all, .all, .from(start)].mean(0, 2)
    }
    let previous = each { weight($0, from: 1) { $0.key == $0.query - 1 } }
    // What came after the same letter: the letter before the key is the query's.
    let induction = each { weight($0, from: repeated) { same.expandingDimension(1) & ($0.key > 0) } }
    // The letter of a value that goes through the head becomes the likeliest: the diagonal of its output-value circuit.
    let copying = each { layer in
      let circuit = matmul(layer.attention.headOutputs(of: letters), answers.transposed())
      return (circuit.argMax(-1) == g.iota([Extent(Self.heads), Extent(Self.letters)], dimension: 1)).cast(to: .f32).mean(-1)
    }
    // What the head adds to the right letter's logit above that of the mean letter.
    let direction = answers.gather(targets) - answers.mean(0)
    let added = each { layer in
      let ofHeads = matmul(layer.weights, layer.attention.headOutputs(of: layer.rows))
      return einsum("bhtm,btm->bht", ofHeads, direction)[.all, .all, .from(repeated)].mean(0, 2)
    }
    return [
      crossEntropy(logits, targets, reduction: .none).mean(0).named("losses"),
      previous.named("previous"), induction.named("induction"),
      copying.named("copying"), added.named("added"), layers.last!.weights[0].named("weights"),
    ]
  }

  /// Sequences that repeat a random block of different letters, and the letters that follow.
  static func repetitions(_ count: Int, blocks: ClosedRange<Int>, seed: Int) throws -> [String: NDArray] {
    var numbers = SeededGenerator(seed: seed)
    let rows = (0..<count).map { _ in
      let block = (0..<Int32(letters)).shuffled(using: &numbers).prefix(Int.random(in: blocks, using: &numbers))
      return (0...length).map { block[$0 % block.count] }
    }
    return [
      "ids": try NDArray(rows.map { $0.dropLast() }.map(Array.init)), "targets": try NDArray(rows.map { Array($0.dropFirst()) }),
    ]
  }
}

import HeedDSL
import HeedIR
import HeedInterpreter
import HeedTestSupport

/// Arguments of calls, good ones and bad ones, from a seed.
struct BadArguments {
  var numbers: SeededGenerator
  let g: GraphBuilder
  /// Whether most arguments are good, so that graphs grow.
  let isTame: Bool
  /// The tensors that there are so far.
  var tensors: [Tensor] = []

  init(seed: UInt64, _ g: GraphBuilder) {
    (numbers, self.g, isTame) = (SeededGenerator(seed: seed), g, seed % 4 != 0)
    // All symbols that shapes mention, so that what builds has its symbols.
    tensors.append(g.input("symbols", .f32, ["S", "T", "B"]))
    for n in 0..<4 { tensors.append(g.input("x\(n)", element(), Shape((0..<pick([0, 1, 2, 2, 3, 4])).map { _ in goodExtent() }))) }
  }

  mutating func pick<Element>(_ list: [Element]) -> Element { list.randomElement(using: &numbers)! }
  mutating func flag() -> Bool { Bool.random(using: &numbers) }
  private mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &numbers) < probability }

  /// Mostly small; sometimes around the limits of types.
  mutating func int() -> Int {
    if isTame, chance(0.9) { return pick([-1, 0, 0, 1, 1, 2, 4]) }
    if chance(0.85) { return Int.random(in: -3...6, using: &numbers) }
    return pick([
      Int.min, Int.min + 1, -(1 << 56), -(1 << 31) - 1, -129, -17, 8, 16, 64, 127, 256, 1023, 65537, 1 << 20, (1 << 31) - 1,
      1 << 31,
      1 << 32, 1 << 55, 1 << 56, 1 << 62, Int.max - 1, Int.max,
    ])
  }

  mutating func ints() -> [Int] { (0..<pick([0, 1, 1, 2, 2, 3, 5])).map { _ in int() } }

  mutating func double() -> Double {
    if isTame, chance(0.9) { return pick([0, 1, 2, -3, 4]) }
    return pick([0, 1, -1, 0.5, 2, 3, -2.5, 1e-5, 1e30, -1e300, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, 1e18, 9.3e18])
  }

  mutating func element() -> ElementType {
    isTame && chance(0.9) ? .f32 : pick([.f32, .f32, .f32, .i32, .i32, .bool] + ElementType.allCases)
  }

  private mutating func goodExtent() -> Extent {
    pick([1, 2, 3, 4, 4, 8, "S", "S", "T", "B", "2*S", "S + 1", "B*S", "ceil(S/2)", 0])
  }

  /// Text of extents, and text that is none.
  mutating func extentText() -> String {
    if isTame, chance(0.9) { return pick(["S", "T", "B", "2*S", "S + T", "3"]) }
    return pick([
      "S", "T", "B", "2*S", "S - 1", "S + T", "B*S", "floor(S/3)", "ceil(T/4)", "(S + 1)*(T + 1)", "-1", "0", "3", "-S",
      "batch size",
      "", "S +", "größe", "S/2", "S * 4611686018427387904", "99999999999999999999", "floor(S/0)", "%x", "S\n", "((((S))))", "1e3",
      "😀",
      "S*S*S*S*S*S*S*S", "72057594037927935*S",
    ])
  }

  mutating func extent() -> Extent {
    if chance(isTame ? 0.95 : 0.6) { return goodExtent() }
    let (text, number) = (Extent(stringLiteral: extentText()), int())
    return pick([text, Extent(number), text * number, text + number, text * text, text.dividedRoundingUp(by: number)])
  }

  mutating func convertible() -> any ExtentConvertible {
    switch pick([0, 1, 2]) {
    case 0: extent()
    case 1: int()
    default: extentText()
    }
  }

  mutating func shape() -> Shape {
    if chance(0.5), let known = tensors.last?.shape { return flag() ? known : Shape(known.extents.shuffled(using: &numbers)) }
    return Shape((0..<pick([0, 1, 2, 2, 3, 4, chance(0.02) ? 70 : 2])).map { _ in extent() })
  }

  mutating func tensor() -> Tensor { chance(isTame ? 0.7 : 0.3) ? tensors.last! : pick(tensors) }
  /// A tensor of this type, made from another one.
  mutating func tensor(_ element: ElementType) -> Tensor { tensor().cast(to: element) }
  mutating func float() -> Tensor { chance(0.1) ? tensor() : tensor(isTame ? .f32 : pick([.f32, .f32, .f64, .f16])) }
  mutating func integer() -> Tensor { chance(0.1) ? tensor() : tensor(pick([.i32, .i32, .i64, .u8])) }
  mutating func tensorList() -> [Tensor] { (0..<pick([0, 1, 2, 2, 3])).map { _ in tensor() } }
  mutating func optional<Value>(_ value: (inout BadArguments) -> Value) -> Value? { flag() ? value(&self) : nil }

  /// Scores: mostly of a rank from 2 on.
  mutating func scores() -> Tensor {
    let x = float()
    guard x.rank < 2, chance(0.9) else { return x }
    return x.broadcast(to: pick([["S", "S"], [4, "S", "T"], ["B", 2, "S", "S"], ["B", 8, 16, 16], [2, 2, 3, 4, 4]]))
  }

  mutating func name() -> String { pick(["a", "b", "w", "", "a.b", "x0", "two words", "%", "\"", "é\n", "result0", "0"]) }

  mutating func subscripts() -> String {
    pick([
      "ij,jk->ik", "ij->ji", "ij->", "ii->i", "i,j->ij", "->", "", "ij", "ij,jk,kl->il", "bhid,bhjd->bhij", "ij,ij->ij", "a,a->",
      ",->", "é->é",
      "ij->>", "i->->i", "I i -> iI", "ijk,ijk->ijk", "ijkl->lkji", "iij->j",
    ])
  }

  mutating func index() -> TensorIndex {
    switch pick([0, 1, 2, 3, 4, 5, 6, 7]) {
    case 0: return .all
    case 1: return .rest
    case 2: return .newDimension
    case 3: return .range(int(), int(), step: int())
    case 4: return .range(extent(), extentText(), step: pick([1, 1, 2, 3]))
    case 5: return .from(convertible().extent, step: pick([1, 1, 2, -1]))
    case 6: return extent().tensorIndex
    default:
      let bounds = [int(), int()].sorted()
      return pick([
        (bounds[0]..<bounds[1]).tensorIndex, (bounds[0]...bounds[1]).tensorIndex, (bounds[0]...).tensorIndex,
        (..<bounds[1]).tensorIndex, (...bounds[1]).tensorIndex, bounds[0].tensorIndex, extentText().tensorIndex,
      ])
    }
  }

  mutating func alignment() -> Alignment? {
    switch pick([0, 1, 2, 3]) {
    case 0: .topLeft
    case 1: .bottomRight
    case 2: .past(integer())
    default: nil
    }
  }

  mutating func pair() -> (rows: Int, columns: Int) { (int(), int()) }
}

import HeedDSL
import HeedIR

extension RandomCall {
  /// Functions of each element, and reductions of them.
  nonisolated(unsafe) static let elements: [RandomCall] = [
    RandomCall("abs exp exp2 log log2 sqrt rsqrt reciprocal tanh erf sigmoid sin cos floor ceil round silu relu log1p softplus") {
      let functions: [(Tensor) -> Tensor] = [
        { abs($0) }, { exp($0) }, { exp2($0) }, { log($0) }, { log2($0) }, { sqrt($0) }, { rsqrt($0) }, { reciprocal($0) },
        { tanh($0) },
        { erf($0) }, { sigmoid($0) }, { sin($0) }, { cos($0) }, { floor($0) }, { ceil($0) }, { round($0) }, { silu($0) },
        { relu($0) },
        { log1p($0) }, { softplus($0) },
      ]
      return $0.pick(functions)($0.tensor())
    },
    RandomCall("gelu leakyRelu") {
      $0.flag() ? gelu($0.tensor(), approximation: $0.flag() ? .tanh : .none) : leakyRelu($0.tensor(), slope: $0.double())
    },
    RandomCall("+ - * / % < <= > >= == != & | ^ << >> && ||") {
      let operators: [(Tensor, Tensor) -> Tensor] = [
        { $0 + $1 }, { $0 - $1 }, { $0 * $1 }, { $0 / $1 }, { $0 % $1 }, { $0 < $1 }, { $0 <= $1 }, { $0 > $1 }, { $0 >= $1 },
        { $0 == $1 },
        { $0 != $1 }, { $0 & $1 }, { $0 | $1 }, { $0 ^ $1 }, { $0 << $1 }, { $0 >> $1 }, { $0 && $1 }, { $0 || $1 },
      ]
      return $0.pick(operators)($0.tensor(), $0.tensor())
    },
    RandomCall("+ - * / % < <= > >= == != & | ^ << >>") {
      let operators: [(Tensor, Int) -> Tensor] = [
        { $0 + $1 }, { $1 - $0 }, { $0 * $1 }, { $0 / $1 }, { $1 % $0 }, { $0 < $1 }, { $1 <= $0 }, { $0 > $1 }, { $1 >= $0 },
        { $0 == $1 },
        { $0 != $1 }, { $0 & $1 }, { $1 | $0 }, { $0 ^ $1 }, { $0 << $1 }, { $1 >> $0 },
      ]
      return $0.pick(operators)($0.tensor(), $0.int())
    },
    RandomCall("+ - * / % < <= > >= == !=") {
      let operators: [(Tensor, Double) -> Tensor] = [
        { $0 + $1 }, { $1 - $0 }, { $0 * $1 }, { $1 / $0 }, { $0 % $1 }, { $0 < $1 }, { $1 <= $0 }, { $0 > $1 }, { $1 >= $0 },
        { $0 == $1 },
        { $1 != $0 },
      ]
      return $0.pick(operators)($0.tensor(), $0.double())
    },
    RandomCall("! ~ -") {
      let operators: [(Tensor) -> Tensor] = [{ !$0 }, { ~$0 }, { -$0 }]
      return $0.pick(operators)($0.tensor())
    },
    RandomCall("+= -= *= /= %= &= |= ^=") {
      var x = $0.tensor()
      let (y, number) = ($0.tensor(), $0.int())
      let changes: [(inout Tensor) -> Void] = [
        { $0 += y }, { $0 -= y }, { $0 *= y }, { $0 /= y }, { $0 %= y }, { $0 &= y }, { $0 |= y }, { $0 ^= y }, { $0 += number },
        { $0 -= number }, { $0 *= number }, { $0 /= number }, { $0 %= 0.5 },
      ]
      $0.pick(changes)(&x)
      return x
    },
    RandomCall("minimum maximum min max") {
      let functions: [(Tensor, Tensor) -> Tensor] = [{ minimum($0, $1) }, { maximum($0, $1) }, { min($0, $1) }, { max($0, $1) }]
      return $0.pick(functions)($0.tensor(), $0.tensor())
    },
    RandomCall("minimum maximum min max clamp") {
      let (a, b, n) = ($0.double(), $0.double(), $0.int())
      let functions: [(Tensor) -> Tensor] = [
        { minimum($0, a) }, { maximum($0, n) }, { min($0, a) }, { max(n, $0) }, { max($0, a) }, { min(a, $0) }, { clamp($0, a, b) },
        { clamp($0, n, n) }, { clamp($0, $0, $0) },
      ]
      return $0.pick(functions)($0.tensor())
    },
    RandomCall("pow fusedMultiplyAdd") {
      let (a, n) = ($0.double(), $0.int())
      let functions: [(Tensor, Tensor) -> Tensor] = [
        { pow($0, $1) }, { x, _ in pow(x, a) }, { x, _ in pow(x, n) }, { fusedMultiplyAdd($0, $1, $0) },
      ]
      return $0.pick(functions)($0.float(), $0.float())
    },
    RandomCall("select where") {
      let (condition, a, n) = ($0.flag() ? $0.tensor(.bool) : $0.tensor(), $0.double(), $0.int())
      let functions: [(Tensor, Tensor) -> Tensor] = [
        { select(condition, $0, $1) }, { x, _ in select(condition, x, a) }, { x, _ in select(condition, n, x) },
        { $0.where(condition, else: $1) }, { x, _ in x.where(condition, else: a) }, { x, _ in x.where(condition, else: n) },
      ]
      return $0.pick(functions)($0.tensor(), $0.tensor())
    },
    RandomCall("cast bitcast") { $0.flag() ? $0.tensor().cast(to: $0.element()) : $0.tensor().bitcast(to: $0.element()) },
  ]

  /// Reductions, scans, softmax and norms.
  nonisolated(unsafe) static let reductions: [RandomCall] = [
    RandomCall("sum product max min any all mean") {
      let (a, b, keeping) = ($0.int(), $0.int(), $0.flag())
      let functions: [(Tensor) -> Tensor] = [
        { $0.sum() }, { $0.sum(a, keepingDimensions: keeping) }, { $0.sum(a, b) }, { $0.product(a) },
        { $0.max(a, b, keepingDimensions: keeping) },
        { $0.min(a) }, { $0.any(a) }, { $0.all(a, keepingDimensions: keeping) }, { $0.mean(a, keepingDimensions: keeping) },
        { $0.mean() },
        { $0.sum(a, b, a) }, { $0.max() },
      ]
      return $0.pick(functions)($0.tensor())
    },
    RandomCall("variance standardDeviation") {
      let (a, correction, keeping) = ($0.int(), $0.int(), $0.flag())
      return $0.flag()
        ? $0.float().variance(a, correction: correction, keepingDimensions: keeping)
        : $0.float().standardDeviation(a, correction: correction, keepingDimensions: keeping)
    },
    RandomCall("scan cumulativeSum") {
      let x = $0.tensor()
      return $0.flag()
        ? x.scan($0.pick(Reduction.all), $0.int(), exclusive: $0.flag(), reversed: $0.flag())
        : x.cumulativeSum($0.int(), exclusive: $0.flag(), reversed: $0.flag())
    },
    RandomCall("argMax argMin") {
      $0.flag()
        ? $0.tensor().argMax($0.int(), keepingDimension: $0.flag()) : $0.tensor().argMin($0.int(), keepingDimension: $0.flag())
    },
    RandomCall("softmax logSumExp logSoftmax") {
      let functions: [(Tensor, Int) -> Tensor] = [
        { softmax($0, dimension: $1) }, { logSumExp($0, dimension: $1) }, { logSoftmax($0, dimension: $1) }, { x, _ in softmax(x) },
      ]
      return $0.pick(functions)($0.float(), $0.int())
    },
    RandomCall("layerNorm rmsNorm") {
      let (x, scale, bias) = ($0.float(), $0.float(), $0.float())
      return $0.flag()
        ? layerNorm(x, scale: scale, bias: bias, epsilon: $0.double()) : rmsNorm(x, scale: scale, epsilon: $0.double())
    },
    RandomCall("batchNorm groupNorm") {
      let (x, a, b) = ($0.float(), $0.float(), $0.float())
      return $0.flag()
        ? batchNorm(x, mean: a, variance: b, scale: a, bias: b, epsilon: $0.double(), dimension: $0.int())
        : groupNorm(x, groups: $0.int(), scale: a, bias: b, epsilon: $0.double())
    },
    RandomCall("gradients jvp") {
      let (output, inputs) = ($0.float(), $0.tensorList())
      let tangents = $0.flag() ? inputs : $0.tensorList()
      return $0.flag()
        ? gradients(of: output, with: inputs, cotangent: $0.optional { $0.flag() ? output : $0.tensor() })
        : [jvp(of: output, with: inputs, tangents: tangents)]
    },
  ]
}

extension Reduction {
  fileprivate static let all: [Reduction] = [.add, .multiply, .minimum, .maximum, .and, .or]
}

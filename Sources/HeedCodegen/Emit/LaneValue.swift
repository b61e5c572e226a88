internal import HeedIR

/// A value of a body for a group of lanes: consecutive points of the vectorised dimension.
enum LaneValue {
  /// The same in every lane: an LLVM scalar.
  case uniform(LLVMValue)
  /// A whole number that grows by the same step from lane to lane. Its element type is i32 or i64; it is held in 64 bits.
  case linear(LinearIndex)
  /// A vector with an element for each lane.
  case varying(LLVMValue)
}

/// A whole number `base + offset + lane * step`, 64 bits.
///
/// The constant part is kept apart, so that neighbouring addresses share one computation; `multiple` tells vectors apart that
/// lie within one block of a division from those that may straddle two.
struct LinearIndex {
  /// A 64-bit integer; nil for 0.
  var base: LLVMValue?
  var offset = 0
  /// A 64-bit integer; nil for 0: the same number in every lane.
  var step: LLVMValue?
  /// A number that `base` is known to be a multiple of; 0 where `base` is nil.
  var multiple = 0

  init(_ constant: Int) { offset = constant }

  /// A number known when the code runs, a multiple of `multiple`.
  init(_ value: LLVMValue, multiple: Int = 1) {
    if let constant = value.integerConstant { offset = constant } else { (base, self.multiple) = (value, multiple) }
  }

  var isUniform: Bool { step == nil }
  /// The value of the first lane, for all lanes.
  var first: LinearIndex {
    var copy = self
    copy.step = nil
    return copy
  }
  /// The value, where it is known at compile time.
  var constant: Int? { base == nil && step == nil ? offset : nil }
  /// What the value of the first lane is known to be a multiple of; 0 for the constant 0.
  var knownMultiple: Int { greatestCommonDivisor(multiple, offset) }
  /// The step, where it is known at compile time.
  var constantStep: Int? { step == nil ? 0 : step!.integerConstant }
}

/// The greatest common divisor, at least 0; that of 0 and n is n.
func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  var (x, y) = (a.magnitude, b.magnitude)
  while y != 0 { (x, y) = (y, x % y) }
  return Int(clamping: x)
}

extension Emitter {
  /// The value in the first lane.
  func scalar(_ a: LinearIndex) -> LLVMValue {
    guard let base = a.base else { return index(a.offset) }
    return a.offset == 0 ? base : builder.addNoWrap(base, index(a.offset))
  }

  /// `base + offset + lane * step` as a vector of 64-bit integers; the scalar for one lane.
  func vector(_ a: LinearIndex, _ lanes: Int) -> LLVMValue { vector(a, lanes, int64) }

  /// The same in another integer type, high bits dropped.
  func vector(_ a: LinearIndex, _ lanes: Int, _ type: LLVMType) -> LLVMValue {
    func narrow(_ value: LLVMValue) -> LLVMValue { type == int64 ? value : builder.truncate(value, to: type) }
    let first = narrow(scalar(a))
    if lanes == 1 { return first }
    let start = builder.broadcast(first, lanes)
    guard let step = a.step else { return start }
    return builder.add(start, builder.multiply(laneNumbers(lanes, type), builder.broadcast(narrow(step), lanes)))
  }

  /// 0, 1, 2, ... of an integer type.
  func laneNumbers(_ lanes: Int, _ type: LLVMType) -> LLVMValue { .init(lanes: (0..<lanes).map { type.constant($0) }) }

  func add(_ a: LinearIndex, _ b: LinearIndex) -> LinearIndex {
    var sum = a
    sum.base = both(a.base, b.base) { builder.addNoWrap($0, $1) }
    sum.offset &+= b.offset
    sum.step = both(a.step, b.step) { builder.addNoWrap($0, $1) }
    if sum.step?.integerConstant == 0 { sum.step = nil }
    sum.multiple = greatestCommonDivisor(a.multiple, b.multiple)
    return sum
  }

  func subtract(_ a: LinearIndex, _ b: LinearIndex) -> LinearIndex { add(a, multiply(b, by: -1)) }

  func multiply(_ a: LinearIndex, by factor: Int) -> LinearIndex {
    if factor == 0 { return LinearIndex(0) }
    if factor == 1 { return a }
    var product = a
    product.base = a.base.map { builder.multiplyNoWrap($0, index(factor)) }
    product.offset = a.offset &* factor
    product.step = a.step.map { builder.multiplyNoWrap($0, index(factor)) }
    product.multiple = a.multiple &* factor
    return product
  }

  /// The product with a number that is the same in every lane.
  func multiply(_ a: LinearIndex, by factor: LinearIndex) -> LinearIndex {
    precondition(factor.isUniform, "the second factor must be the same in every lane")
    if let constant = factor.constant { return multiply(a, by: constant) }
    if let constant = a.constant { return multiply(factor, by: constant) }
    let value = scalar(factor)
    var product = LinearIndex(
      builder.multiplyNoWrap(scalar(a), value), multiple: max(1, a.knownMultiple &* max(1, factor.knownMultiple)))
    product.step = a.step.map { builder.multiplyNoWrap($0, value) }
    return product
  }

  private func both(_ a: LLVMValue?, _ b: LLVMValue?, _ combine: (LLVMValue, LLVMValue) -> LLVMValue) -> LLVMValue? {
    guard let a else { return b }
    guard let b else { return a }
    return combine(a, b)
  }
}

extension LLVMValue {
  /// The constant vector of these lanes.
  init(lanes: [LLVMValue]) { self = LLVMType.vector(of: lanes) }
}

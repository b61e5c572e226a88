import Heed

/// Numbers that look random and are the same at each run.
struct SeededNumbers {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  /// Any 64 bits (splitmix64).
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  /// About normal: the sum of twelve uniform numbers less six has mean 0 and variance 1.
  mutating func normal() -> Double {
    var sum = -6.0
    for _ in 0..<3 {
      let bits = next()
      for shift in [0, 16, 32, 48] as [UInt64] { sum += (Double(bits >> shift & 0xFFFF) + 0.5) / 65536 }
    }
    return sum
  }
}

extension NDArray {
  /// Random numbers, about normal, the same at each run, rounded to a float type.
  init(normal element: ElementType, _ shape: [Int], seed: UInt64, scale: Double = 1) throws {
    try self.init(zeros: element, shape)
    var numbers = SeededNumbers(seed: seed)
    func fill<Scalar: ArrayElement>(_ convert: (Double) -> Scalar) {
      let values = storage.bytes.bindMemory(to: Scalar.self)
      for index in 0..<count { values[index] = convert(scale * numbers.normal()) }
    }
    switch element {
    case .f64: fill { $0 }
    case .f32: fill { Float($0) }
    case .f16: fill { Float16($0) }
    case .bf16: fill { BFloat16($0) }
    case .i64, .i32, .i8, .u8, .bool: preconditionFailure("random numbers of type \(element)")
    }
  }
}

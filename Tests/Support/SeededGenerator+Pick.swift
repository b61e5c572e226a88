@_exported public import struct HeedArrays.SeededGenerator

extension SeededGenerator {
  /// One of `values`.
  public mutating func pick<Value>(_ values: [Value]) -> Value { values.randomElement(using: &self)! }
}

/// What a core of a target usually does in a second: for estimates without a measurement.
extension Target {
  /// Floating-point operations of f32: two vector multiply-adds a cycle at 3 GHz.
  public var usualFlops: Double { Double(2 * 2 * lanes(of: .f32)) * 3e9 }
  /// Bytes read from memory.
  public var usualBytes: Double { 2e10 }
}

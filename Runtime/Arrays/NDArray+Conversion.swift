public import HeedIR

extension NDArray {
  /// The array with elements of another type.
  ///
  /// As the op `convert` does, a float rounds to the nearest of a narrower float type, ties to even; it becomes an integer by
  /// dropping its fraction, held to the type's range, NaN as 0. An integer wraps. Anything becomes a bool by comparing with 0.
  public func converted(to element: ElementType) -> NDArray {
    guard element != self.element else { return NDArray(element, layout, storage) }
    let source = contiguous()
    return Self.stopping {
      try NDArray(element, shape) { ScalarSemantics.convert(source.literal(at: $0), to: element) }
    }
  }

  /// The array as one of `element`, where that loses nothing; of a literal's numbers, where it loses no more than by rounding to the
  /// nearest float. Bools and numbers do not become each other.
  /// - Parameters:
  ///   - context: what the array is, for the error: `input 'x'`.
  ///   - declared: what is expected, for the error; the element type unless given.
  /// - Throws: where a value does not fit; the error names it and says how to convert.
  package func adapted(to element: ElementType, _ context: String, declared: String? = nil) throws -> NDArray {
    guard element != self.element else { return self }
    let expected = "\(context): got \(typeText), expected \(declared ?? element.name)"
    guard (element == .bool) == (self.element == .bool) || isLiteral && count == 0 else {
      throw HeedError("\(expected); convert with .converted(to: .\(element))")
    }
    let source = try packed()
    return try NDArray(element, shape) { position in
      let value = source.literal(at: position)
      if let held = value.converted(to: element), keeps(value, held) { return held }
      let place = shape.isEmpty ? "" : " at \(indices(of: position))"
      throw HeedError(
        "\(expected): \(element) cannot hold the value \(value.text(as: self.element))\(place) exactly; "
          + "convert with .converted(to: .\(element))")
    }
  }

  /// Whether `held` has the value of an element, or is near enough for a literal.
  private func keeps(_ value: Literal, _ held: Literal) -> Bool {
    if isLiteral { return held.real.isFinite || !value.real.isFinite }
    if held.isReal && !value.isReal { return Int64(exactly: held.real) == value.integer }
    return held.real == value.real || value.real.isNaN
  }

  /// The indices of the element at a row-major position.
  private func indices(of position: Int) -> [Int] {
    zip(shape, ArrayLayout.rowMajorStrides(shape)).map { position / $1 % $0 }
  }
}

// MARK: Elements of any type

extension NDArray {
  /// An array whose element at each row-major position is what `value` returns, rounded or wrapped to the element type.
  /// - Throws: where an extent is negative or the size overflows, and what `value` throws.
  package init(_ element: ElementType, _ shape: [Int], _ value: (_ position: Int) throws -> Literal) throws {
    try self.init(zeros: element, shape)
    let (bytes, count) = (storage.bytes, count)
    func fill<Element: BitwiseCopyable>(_ convert: (Literal) -> Element) throws {
      for position in 0..<count {
        bytes.storeBytes(of: convert(try value(position)), toByteOffset: position * MemoryLayout<Element>.size, as: Element.self)
      }
    }
    switch element {
    case .f64: try fill { $0.real }
    case .f32: try fill { Float($0.real) }
    case .f16: try fill { Float16($0.real) }
    case .bf16: try fill { BFloat16($0.real) }
    case .i64: try fill { $0.integer }
    case .i32: try fill { Int32(truncatingIfNeeded: $0.integer) }
    case .i8: try fill { Int8(truncatingIfNeeded: $0.integer) }
    case .u8: try fill { UInt8(truncatingIfNeeded: $0.integer) }
    case .bool: try fill { UInt8($0.integer == 0 ? 0 : 1) }
    }
  }

  /// The element at a row-major position of a contiguous array, exactly.
  func literal(at position: Int) -> Literal {
    let place = (layout.offset + position) * element.byteCount
    func load<Element: BitwiseCopyable>(_: Element.Type) -> Element {
      storage.bytes.loadUnaligned(fromByteOffset: place, as: Element.self)
    }
    switch element {
    case .f64: return Literal(load(Double.self))
    case .f32: return Literal(Double(load(Float.self)))
    case .f16: return Literal(Double(load(Float16.self)))
    case .bf16: return Literal(Double(load(BFloat16.self).float))
    case .i64: return Literal(load(Int64.self))
    case .i32: return Literal(Int64(load(Int32.self)))
    case .i8: return Literal(Int64(load(Int8.self)))
    case .u8: return Literal(Int64(load(UInt8.self)))
    case .bool: return Literal(load(UInt8.self) != 0)
    }
  }
}

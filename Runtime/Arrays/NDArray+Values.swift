internal import HeedIR

/// Elements as Swift values, in row-major order.
extension NDArray {
  /// The elements as Swift values of the array's own type: `try array.values(as: Float.self)`.
  ///
  /// A type that is written here and is not the array's stops the program with a message. `floats()` and its like throw.
  public func values<Scalar: ArrayElement>(as type: Scalar.Type) -> [Scalar] {
    do { return try values() } catch { fatalError("NDArray.values(as: \(type).self): \(error)") }
  }

  /// The same for a type that is known from the context: `let x: [Float] = try array.values()`.
  /// - Throws: where the array's elements are not of that type; the error says how to read them.
  public func values<Scalar: ArrayElement>() throws -> [Scalar] {
    guard Scalar.elementType == element else { throw misread(as: Scalar.elementType) }
    let source = contiguous()
    return withExtendedLifetime(source.storage) {
      let (bytes, count) = (source.bytes, count)
      return Array(unsafeUninitializedCapacity: count) { target, written in
        UnsafeMutableRawBufferPointer(target).copyMemory(from: bytes)
        written = count
      }
    }
  }

  /// The elements of an array of f32, f16 or bf16, all of which a `Float` holds; those of a literal are rounded.
  /// - Throws: for another element type; the error says how to read the array.
  public func floats() throws -> [Float] {
    switch element {
    case .f32: try values()
    case .f16, .bf16: try converted(to: .f32).values()
    case .f64, .i64, .i32, .i8, .u8, .bool:
      if isUntyped { try adapted(to: .f32, "floats()").values() } else { throw misread(as: .f32) }
    }
  }

  /// The elements of an array of any float type.
  /// - Throws: for another element type; the error says how to read the array.
  public func doubles() throws -> [Double] {
    guard element.isFloat || isUntyped else { throw misread(as: .f64) }
    return try adapted(to: .f64, "doubles()").values()
  }

  /// The elements of an array of any integer type.
  /// - Throws: for another element type; the error says how to read the array.
  public func ints() throws -> [Int] {
    guard element.isInteger || isUntyped else { throw misread(as: .i64) }
    return try adapted(to: .i64, "ints()").values()
  }

  /// The elements of an array of bools.
  /// - Throws: for another element type; the error says how to read the array.
  public func bools() throws -> [Bool] {
    guard element == .bool else { throw misread(as: .bool) }
    // A byte that is neither 0 nor 1 is not a Swift bool.
    let source = contiguous()
    return (0..<count).map { source.literal(at: $0).integer != 0 }
  }

  /// Whether the elements are numbers without a type yet.
  private var isUntyped: Bool { isLiteral && element != .bool }

  private func misread(as wanted: ElementType) -> HeedError {
    let reader = element == .f64 ? "doubles()" : element.isFloat ? "floats()" : element.isInteger ? "ints()" : "bools()"
    return HeedError("got \(typeText), expected \(wanted); read it with .\(reader) or convert it with .converted(to: .\(wanted))")
  }
}

/// The one element of an array of one element: `try array[0, 1].float()`.
extension NDArray {
  /// The element of an array of f32, f16 or bf16.
  /// - Throws: where the array has not one element, or one of another type.
  public func float() throws -> Float { try only(floats(), "float") }

  /// The element of an array of a float type.
  /// - Throws: where the array has not one element, or one of another type.
  public func double() throws -> Double { try only(doubles(), "double") }

  /// The element of an array of an integer type.
  /// - Throws: where the array has not one element, or one of another type.
  public func int() throws -> Int { try only(ints(), "int") }

  /// The element of an array of bools.
  /// - Throws: where the array has not one element, or one of another type.
  public func bool() throws -> Bool { try only(bools(), "bool") }

  private func only<Scalar>(_ values: @autoclosure () throws -> [Scalar], _ reader: String) throws -> Scalar {
    guard count == 1 else { throw HeedError("got \(typeText) of \(count) elements, expected one; read it with .\(reader)s()") }
    return try values()[0]
  }
}

internal import HeedIR

/// Parts of an array.
///
/// ```swift
/// x[0]                     // the first matrix of a batch
/// x[.all, 2]               // column 2
/// x[..., (-1)...]          // the last element of each row, the dimension kept
/// x[0] = x[1]              // a matrix assigned
/// x[0, 3] = 0              // row 3 of the first matrix filled
/// try x[0, 3, 5].float()   // one element
/// ```
///
/// A part shares the array's memory: nothing is copied until one of them is changed. What is assigned is repeated along dimensions
/// that it lacks or has an extent of 1 in, and converts where that loses nothing. An index out of range stops the program with a
/// message, as one of `Array` does; numbers below 0 count from the end.
extension NDArray {
  /// A part by a list of indices, for any number of dimensions.
  public subscript(_ indices: [ArrayIndex]) -> NDArray {
    get { read(indices) }
    set { write(indices, newValue) }
  }

  /// A part by one index; the other dimensions are taken whole.
  public subscript(_ a: some ArrayIndexConvertible) -> NDArray {
    get { read([a.arrayIndex]) }
    set { write([a.arrayIndex], newValue) }
  }

  /// A part by two indices.
  public subscript(_ a: some ArrayIndexConvertible, _ b: some ArrayIndexConvertible) -> NDArray {
    get { read([a.arrayIndex, b.arrayIndex]) }
    set { write([a.arrayIndex, b.arrayIndex], newValue) }
  }

  /// A part by three indices.
  public subscript(_ a: some ArrayIndexConvertible, _ b: some ArrayIndexConvertible, _ c: some ArrayIndexConvertible) -> NDArray {
    get { read([a.arrayIndex, b.arrayIndex, c.arrayIndex]) }
    set { write([a.arrayIndex, b.arrayIndex, c.arrayIndex], newValue) }
  }

  /// A part by four indices.
  public subscript(
    _ a: some ArrayIndexConvertible, _ b: some ArrayIndexConvertible, _ c: some ArrayIndexConvertible,
    _ d: some ArrayIndexConvertible
  ) -> NDArray {
    get { read([a.arrayIndex, b.arrayIndex, c.arrayIndex, d.arrayIndex]) }
    set { write([a.arrayIndex, b.arrayIndex, c.arrayIndex, d.arrayIndex], newValue) }
  }

  /// The whole array: `x[...] = 0` fills it.
  public subscript(_ all: UnboundedRange) -> NDArray {
    get { self }
    set { write([.rest], newValue) }
  }

  /// A part by an index of the last dimension.
  public subscript(_ rest: UnboundedRange, _ a: some ArrayIndexConvertible) -> NDArray {
    get { read([.rest, a.arrayIndex]) }
    set { write([.rest, a.arrayIndex], newValue) }
  }

  /// A part by indices of the last two dimensions.
  public subscript(_ rest: UnboundedRange, _ a: some ArrayIndexConvertible, _ b: some ArrayIndexConvertible) -> NDArray {
    get { read([.rest, a.arrayIndex, b.arrayIndex]) }
    set { write([.rest, a.arrayIndex, b.arrayIndex], newValue) }
  }

  private func read(_ indices: [ArrayIndex]) -> NDArray { Self.stopping { part(try layout.part(indices)) } }

  private mutating func write(_ indices: [ArrayIndex], _ value: NDArray) {
    do {
      let shape = try layout.part(indices).shape
      let value = try value.adapted(to: element, "an assigned part")
      guard let repeated = value.layout.broadcast(to: shape) else {
        throw HeedError("got shape \(value.shape) for a part of shape \(shape), expected that shape or one that repeats to it")
      }
      try makeUnique()
      fill(try layout.part(indices), from: value.part(repeated))
    } catch {
      fatalError("NDArray: \(error)")
    }
  }
}

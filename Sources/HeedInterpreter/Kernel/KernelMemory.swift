package import HeedIR

/// Memory that kernels are evaluated on: elements at positions, with a record of who wrote and read each, so that reads of undefined
/// elements and races are seen.
///
/// Floats are doubles, rounded to the element type where they are stored, and so are those of arrays; integers are 64 bits, wrapped.
package final class KernelMemory {
  package let element: ElementType
  package let count: Int
  /// What messages call it.
  package let name: String
  let reals: UnsafeMutablePointer<Double>
  let integers: UnsafeMutablePointer<Int64>
  let records: UnsafeMutablePointer<Record>

  /// Who touched an element. The upper half of a stamp numbers an execution of a phase (or of a map or contraction); the lower half
  /// numbers the point (or the iteration).
  struct Record {
    var isDefined = false
    var pointWriter: UInt64 = 0
    var pointReader: UInt64 = 0
    var roundWriter: UInt64 = 0
    var roundReader: UInt64 = 0
  }

  /// The lower half of a stamp for several points or iterations.
  static let several: UInt64 = 0xffff_ffff
  /// The lower half of a stamp for accumulation.
  static let accumulated: UInt64 = 0xffff_fffe

  /// Undefined elements.
  /// - Throws: where there are more than 2^26.
  package init(_ element: ElementType, count: Int, name: String) throws {
    guard 0...(1 << 26) ~= count else { throw HeedError("\(name) has \(count) elements, expected at most 2^26 to evaluate") }
    (self.element, self.count, self.name) = (element, count, name)
    reals = .allocate(capacity: element.isFloat ? count : 0)
    integers = .allocate(capacity: element.isFloat ? 0 : count)
    if element.isFloat { reals.initialize(repeating: .nan, count: count) } else { integers.initialize(repeating: -1, count: count) }
    records = .allocate(capacity: count)
    records.initialize(repeating: Record(), count: count)
  }

  /// The elements of an array, all defined.
  package convenience init(_ array: ReferenceArray, name: String) throws {
    try self.init(array.element, count: array.count, name: name)
    var array = array
    array.round()
    for position in 0..<count { self[position] = array[position] }
  }

  deinit {
    reals.deallocate()
    integers.deallocate()
    records.deallocate()
  }

  /// The element at a position; setting it defines it.
  package subscript(position: Int) -> Literal {
    get { element.isFloat ? Literal(reals[position]) : Literal(integers[position]) }
    set {
      if element.isFloat { reals[position] = newValue.real } else { integers[position] = newValue.integer }
      records[position].isDefined = true
    }
  }

  package func isDefined(_ position: Int) -> Bool { records[position].isDefined }

  /// Makes all elements undefined.
  package func poison() {
    for position in 0..<count { records[position] = Record() }
    if element.isFloat { reals.update(repeating: .nan, count: count) } else { integers.update(repeating: -1, count: count) }
  }

  // MARK: Views

  /// The elements of a strided view as an array.
  /// - Throws: where one was never written.
  package func array(_ shape: [Int], strides: [Int], offset: Int) throws -> ReferenceArray {
    var result = ReferenceArray(element, shape)
    try ReferenceArray.forEachIndex(of: shape) { indices, position in
      let place = zip(indices, strides).reduce(offset) { $0 + $1.0 * $1.1 }
      guard isDefined(place) else { throw HeedError("the element \(indices) of \(name) was never written") }
      result[position] = self[place]
    }
    return result
  }

  /// Writes an array into a strided view.
  package func write(_ array: ReferenceArray, strides: [Int], offset: Int) {
    var array = array
    array.round()
    ReferenceArray.forEachIndex(of: array.shape) { indices, position in
      self[zip(indices, strides).reduce(offset) { $0 + $1.0 * $1.1 }] = array[position]
    }
  }
}

/// The stamps of the access in progress: one for the phase and its point, one for the statement and its iteration.
struct Stamps {
  var point: UInt64 = 0
  /// 0 outside of maps and contractions.
  var round: UInt64 = 0
}

extension KernelMemory {
  private static func isOther(_ stamp: UInt64, _ own: UInt64) -> Bool { stamp >> 32 == own >> 32 && stamp != own }

  /// Records a read.
  /// - Throws: where the element is undefined, or another point or round wrote it.
  @inline(__always) func recordRead(_ position: Int, _ stamps: Stamps) throws {
    let record = records[position]
    guard record.isDefined else { throw HeedError("got an element that was never written, expected one that was") }
    if Self.isOther(record.pointWriter, stamps.point) {
      throw HeedError("got an element that another point of the phase wrote, expected one that none writes")
    }
    records[position].pointReader = Self.isOther(record.pointReader, stamps.point) ? stamps.point | Self.several : stamps.point
    guard stamps.round != 0 else { return }
    if Self.isOther(record.roundWriter, stamps.round) {
      throw HeedError("got an element that another round wrote, expected rounds that do not depend on each other")
    }
    records[position].roundReader = Self.isOther(record.roundReader, stamps.round) ? stamps.round | Self.several : stamps.round
  }

  /// Records a store.
  /// - Throws: where another point or round wrote or read the element.
  @inline(__always) func recordWrite(_ position: Int, _ stamps: Stamps) throws {
    try recordPointWrite(position, stamps)
    let record = records[position]
    if Self.isOther(record.roundWriter, stamps.round) {
      throw HeedError("got an element that another round wrote as well, expected a place for each round")
    }
    if Self.isOther(record.roundReader, stamps.round) {
      throw HeedError("got an element that another round read, expected rounds that do not depend on each other")
    }
    records[position].roundWriter = stamps.round
    records[position].isDefined = true
  }

  /// Records an accumulation. True where it is the first of the statement's execution.
  /// - Throws: where the element is undefined, another point wrote or read it, or another iteration did other than by accumulating.
  @inline(__always) func recordAccumulation(_ position: Int, _ stamps: Stamps) throws -> Bool {
    try recordPointWrite(position, stamps)
    let record = records[position]
    guard record.isDefined else {
      throw HeedError("got an accumulation in an element that was never written, expected one that was")
    }
    let stamp = stamps.round & ~Self.several | Self.accumulated
    let isFirst = record.roundWriter != stamp
    if isFirst && record.roundWriter >> 32 == stamp >> 32 || record.roundReader >> 32 == stamp >> 32 {
      throw HeedError("got an accumulation in an element that a round reads or stores, expected accumulations only")
    }
    records[position].roundWriter = stamp
    return isFirst
  }

  @inline(__always) private func recordPointWrite(_ position: Int, _ stamps: Stamps) throws {
    let record = records[position]
    if Self.isOther(record.pointWriter, stamps.point) {
      throw HeedError("got an element that another point of the phase wrote as well, expected one owner")
    }
    if Self.isOther(record.pointReader, stamps.point) {
      throw HeedError("got an element that another point of the phase read, expected one that none reads")
    }
    records[position].pointWriter = stamps.point
  }
}

extension KernelMemory {
  /// Forgets which points and rounds touched the elements, not whether they are defined.
  func forgetPoints() {
    for position in 0..<count { records[position] = Record(isDefined: records[position].isDefined) }
  }
}

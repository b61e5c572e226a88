public import HeedIR

/// What the compiler did and declined to do, and why, one line per remark.
public struct Remarks: RandomAccessCollection, Sendable, CustomStringConvertible {
  private let remarks: [Remark]

  init(_ remarks: [Remark]) { self.remarks = remarks }

  /// The first position, 0.
  public var startIndex: Int { 0 }
  /// The number of remarks.
  public var endIndex: Int { remarks.count }
  /// The remark at this position, in the order in which they were made.
  public subscript(position: Int) -> Remark { remarks[position] }

  /// The remarks, one per line.
  public var description: String { remarks.map(\.description).joined(separator: "\n") }
}

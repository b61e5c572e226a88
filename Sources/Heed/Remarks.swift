public import HeedIR

/// What the compiler did and declined to do, and why; printed one line each.
public struct Remarks: RandomAccessCollection, Sendable, CustomStringConvertible {
  private let remarks: [Remark]

  init(_ remarks: [Remark]) { self.remarks = remarks }

  public var startIndex: Int { 0 }
  public var endIndex: Int { remarks.count }
  public subscript(position: Int) -> Remark { remarks[position] }

  public var description: String { remarks.map(\.description).joined(separator: "\n") }
}

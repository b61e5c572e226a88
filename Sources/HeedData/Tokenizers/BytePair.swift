/// Two tokens that stand side by side.
package struct BytePair: Hashable, Sendable, Comparable {
  package var left: Int32
  package var right: Int32

  package init(_ left: Int32, _ right: Int32) { (self.left, self.right) = (left, right) }

  package static func < (first: BytePair, second: BytePair) -> Bool {
    (first.left, first.right) < (second.left, second.right)
  }
}

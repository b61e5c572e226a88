internal import Foundation

/// `value` with that many digits after the point.
package func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

/// A number to two digits and a power of ten: `3.2e-07`.
package func scientific(_ value: Double) -> String { String(format: "%.1e", value) }

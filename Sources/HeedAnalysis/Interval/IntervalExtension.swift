package import HeedIR

/// The interval extension of a boolean scalar function of indices: the same expression evaluated over a rectangle of (query, key)
/// pairs instead of one pair. It tells whether the function can be true, and whether it can be false, somewhere in the rectangle,
/// and may err only toward "it can". (Moore 1966; also called an inclusion function.)
///
/// The extension is scalar code itself: `function` takes the rectangle, the batch indices and the bounds of the condition's terms
/// over the rectangle, and yields the two answers. So one text of it is compiled into kernels, run by the interpreter and read by
/// people.
///
/// Numbers are linear forms of the two indices where they can be, within an octagon that conjunctions narrow (bounds of i, j, i - j
/// and i + j). Other numbers are intervals with residues and known bits. What reads tables of one index enters by its bounds
/// (`MaskTerm`); tables of both are looked up where few elements are meant. Arithmetic is in 64 bits. Where a number of the condition
/// might wrap in its own type, or a float might be NaN or infinite, both answers are "it can".
package struct IntervalExtension: Sendable {
  /// Parameters: first and last query, first and last key (i64, inclusive), the batch indices (i64), then for each of `terms` its
  /// value if uniform, else its least and greatest value. Results: can hold, can fail.
  package let function: ScalarFunction
  package let terms: [MaskTerm]
  /// Whether a rectangle that is not ruled out surely holds a true pair, unless the extension claims nothing there.
  package let isExact: Bool

  /// The extension of `condition`, whose last two parameters are the query and the key index, and the others those of the batch.
  package init(_ condition: ScalarFunction) { self.init(condition, MaskTerm.terms(of: condition)) }

  /// The extension of a condition whose terms are known.
  init(_ condition: ScalarFunction, _ terms: [MaskTerm]) {
    self.terms = terms
    var builder = IntervalExtensionBuilder(condition, terms)
    (function, isExact) = builder.finish()
  }
}

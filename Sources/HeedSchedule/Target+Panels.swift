package import HeedIR

extension Target {
  /// The columns of a packed panel, by the type of the sums: three vectors. Register tiles of 8 rows by 3 vectors fill the registers of
  /// AVX-512, and are a few instructions on smaller machines.
  package func panelWidth(ofSums accumulator: ElementType) -> Int { 3 * lanes(of: accumulator) }
}

/// A matrix in row-major order whose rows, or columns where they are fewer, are of length 1 and at right angles to each other.
///
/// It is the factor Q of a matrix of normal numbers by Householder's reflections, with the signs that make the diagonal of R positive: then
/// all such matrices are equally likely. Source: Mezzadri, "How to generate random matrices from the classical compact groups", 2007.
///
/// Time is rows times columns times the lesser of them.
/// - Parameter normal: draws a number of the normal distribution.
func orthogonalMatrix(_ rows: Int, _ columns: Int, normal: () -> Double) -> [Double] {
  let (long, short) = (max(rows, columns), min(rows, columns))
  // The columns of a tall matrix, one after the other.
  var vectors = (0..<long * short).map { _ in normal() }
  var signs = [Double](repeating: 1, count: short)
  /// Reflects the vector at `target` along the one at `axis`, whose square has the sum 2, from the element `first` on.
  func reflect(_ target: Int, _ axis: Int, from first: Int, _ vectors: inout [Double], _ axes: [Double]) {
    let (target, axis) = (target * long, axis * long)
    var product = 0.0
    for element in first..<long { product += vectors[target + element] * axes[axis + element] }
    for element in first..<long { vectors[target + element] -= product * axes[axis + element] }
  }
  var axes = [Double](repeating: 0, count: long * short)
  for column in 0..<short {
    let start = column * long
    var square = 0.0
    for element in column..<long { square += vectors[start + element] * vectors[start + element] }
    let diagonal = vectors[start + column]
    // Away from 0, so that no digits cancel; R has the other sign on its diagonal.
    let length = diagonal < 0 ? -square.squareRoot() : square.squareRoot()
    signs[column] = diagonal < 0 ? 1 : -1
    for element in column..<long { axes[start + element] = vectors[start + element] }
    axes[start + column] += length
    let scale = (square + abs(diagonal * length)).squareRoot()
    if scale > 0 { for element in column..<long { axes[start + element] /= scale } }
    for other in (column + 1)..<max(short, column + 1) { reflect(other, column, from: column, &vectors, axes) }
  }
  // Q is the reflections, the last first, of the unit vectors.
  var result = [Double](repeating: 0, count: long * short)
  for column in 0..<short {
    result[column * long + column] = signs[column]
    for axis in (0...column).reversed() { reflect(column, axis, from: axis, &result, axes) }
  }
  guard rows >= columns else { return result }
  return (0..<long * short).map { result[$0 % short * long + $0 / short] }
}

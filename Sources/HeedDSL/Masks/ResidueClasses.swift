import HeedIR

/// Attention by residue class: a query attends to the keys at positions of the same remainder by `count`, and to no others.
///
/// The result is that of a dilated mask, without computing pairs of different remainders. The class becomes a dimension of heads:
/// position p of a class is position `p * count + class` of the sequence. That is a view of queries, keys and values, which kernels
/// read with strides.
///
/// ```swift
/// // every 4th key up to 64 away
/// let out = attendingByResidue(q, k, v, count: 4) { q, k, v in
///   matmul(softmax((matmul(q, k.transposed()) / 8).where(.slidingWindow(before: 16, after: 16), else: -.infinity)), v)
/// }
/// ```
///
/// - Parameters:
///   - query: `[batch, heads, rows, width]`, the rows a multiple of `count`: write the length as `"4*S"`; keys and values likewise.
///   - attend: attention of `[batch, heads, count, rows / count, width]`, to the same shape with the width of values.
/// - Returns: `[batch, heads, rows, width of values]`.
public func attendingByResidue(
  _ query: Tensor, _ key: Tensor, _ value: Tensor, count: Int, file: String = #filePath, line: Int = #line,
  _ attend: (_ query: Tensor, _ key: Tensor, _ value: Tensor) -> Tensor
) -> Tensor {
  let g = query.builder
  return g.located(file, line) {
    func inClasses(_ x: Tensor) -> Tensor {
      guard g.graph.failure == nil, x.rank >= 2, count > 0, let rows = x.extent(-2).dividedExactly(by: count) else {
        return g.fail("attendingByResidue: got \(x.summary) for \(count) classes, expected rows of a multiple", nil, guess: x.type)
      }
      let split = x.reshaped(Shape(x.shape.extents.dropLast(2) + [rows, Extent(count), x.extent(-1)]), nil)
      return split.swappingDimensions(-3, -2)
    }
    let (q, k, v) = (inClasses(query), inClasses(key), inClasses(value))
    let result = g.asWritten { attend(q, k, v) }
    guard g.graph.failure == nil else { return query }
    guard result.rank == q.rank, g.areEqual(Shape(result.shape.extents.dropLast()), Shape(q.shape.extents.dropLast())) else {
      return g.fail(
        "attendingByResidue: got the result \(result.summary) of \(q.summary), expected as many rows", nil, guess: query.type)
    }
    return result.swappingDimensions(-3, -2).reshaped(Shape(query.shape.extents.dropLast() + [result.extent(-1)]), nil)
  }
}

extension Tensor {
  fileprivate func swappingDimensions(_ first: Int, _ second: Int) -> Tensor {
    var order = Array(0..<rank)
    order.swapAt(rank + first, rank + second)
    return permuted(order, nil)
  }
}

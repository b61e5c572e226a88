import HeedIR
import HeedLowering
import Testing

@Suite struct StridedViewTests {
  private func rowMajor(_ shape: [Extent]) -> StridedView {
    StridedView(buffer: 0, element: .f32, offset: 0, shape: shape, strides: Shape(shape).rowMajorStrides)
  }

  /// The place in the buffer of each element of a view, in row-major order.
  private func places(_ view: StridedView) -> [Int] {
    zip(view.shape, view.strides).reduce([view.offset.constant!]) { starts, dimension in
      starts.flatMap { start in (0..<dimension.0.constant!).map { start + $0 * dimension.1.constant! } }
    }
  }

  @Test func transposedDimensionsChangePlaces() {
    let view = rowMajor([2, 3, 4]).transposed([2, 0, 1])
    #expect(view.shape == [4, 2, 3] && view.strides == [1, 12, 4])
    #expect(!view.isRowMajor && view.transposed([1, 2, 0]) == rowMajor([2, 3, 4]))
  }

  @Test func aSliceStartsLaterAndSteps() {
    let view = rowMajor([4, 6]).sliced(start: [1, 2], step: [2, 3], shape: [2, 2])
    #expect(places(view) == [8, 11, 20, 23])
  }

  @Test func aRepeatedDimensionHasNoStride() {
    let view = rowMajor([3, 1]).broadcast(dims: [1, 2], to: [2, 3, 4])
    #expect(view.strides == [0, 1, 0])
    #expect(places(view) == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
  }

  /// Where strides express a reshape, it has the same elements in the same order.
  @Test(
    arguments: [
      [24], [2, 12], [6, 4], [4, 3, 2], [1, 2, 1, 12, 1], [2, 3, 4], [3, 8],
    ] as [[Extent]])
  func aReshapeKeepsTheOrder(_ shape: [Extent]) throws {
    for view in [
      rowMajor([2, 3, 4]), rowMajor([4, 3, 2]).transposed([2, 1, 0]), rowMajor([3, 2, 4]).transposed([1, 0, 2]),
      rowMajor([2, 3, 8]).sliced(start: [0, 0, 0], step: [1, 1, 2], shape: [2, 3, 4]),
      rowMajor([2, 3]).broadcast(dims: [0, 1], to: [2, 3, 4]),
    ] {
      guard let reshaped = view.reshaped(to: shape) else { continue }
      #expect(reshaped.shape == shape && places(reshaped) == places(view))
    }
  }

  @Test func someReshapesNeedACopy() {
    let turned = rowMajor([3, 2]).transposed([1, 0])
    #expect(turned.reshaped(to: [6]) == nil)
    #expect(turned.reshaped(to: [2, 1, 3]).map(places) == places(turned))
    #expect(rowMajor([2, 3, 4]).reshaped(to: [6, 4])?.isRowMajor == true)
    // The inner two dimensions are one after the other in memory, the outer one is not.
    let cut = rowMajor([5, 3, 4]).sliced(start: [0, 0, 0], step: [2, 1, 1], shape: [2, 3, 4])
    #expect(cut.reshaped(to: [2, 12])?.strides == [24, 1])
    #expect(cut.reshaped(to: [24]) == nil)
  }

  @Test func symbolicExtentsSplitAndMerge() {
    let (s, h): (Extent, Extent) = ("S", 12)
    let view = rowMajor([s, h * 32])
    #expect(view.reshaped(to: [s, h, 32])?.strides == [384, 32, 1])
    #expect(rowMajor([s, h, 32]).reshaped(to: [s * h, 32])?.strides == [32, 1])
    #expect(view.reshaped(to: [h, s, 32])?.isRowMajor == true)
    #expect(view.transposed([1, 0]).reshaped(to: [h * 32 * s]) == nil)
  }

  @Test func dimensionsOfOneElementDoNotCount() {
    var view = rowMajor([1, 3])
    view.strides[0] = 100
    #expect(view.isRowMajor)
    view.strides[1] = 2
    #expect(!view.isRowMajor)
  }
}

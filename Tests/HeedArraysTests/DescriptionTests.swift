import HeedArrays
import HeedIR
import Testing

@Suite struct DescriptionTests {
  @Test func columnsAreAligned() throws {
    #expect("\(try NDArray([[1, 2.5], [-3, 40.125]] as [[Float]]))" == "[[ 1.000,  2.500],\n [-3.000, 40.125]] f32[2, 2]")
    #expect("\(try NDArray([[1, 20], [-300, 4]] as [[Int32]]))" == "[[   1,   20],\n [-300,    4]] i32[2, 2]")
    #expect("\(try NDArray([true, false], [2]))" == "[ true, false] bool[2]")
    #expect("\([[1, 2], [3, 4]] as NDArray)" == "[[1, 2],\n [3, 4]] i64[2, 2]")
  }

  @Test func matricesAreSetApart() throws {
    let x = try NDArray((0..<8).map { Int32($0) }, [2, 2, 2])
    #expect("\(x)" == "[[[0, 1],\n  [2, 3]],\n\n [[4, 5],\n  [6, 7]]] i32[2, 2, 2]")
    #expect("\(x[.all, 0])" == "[[0, 1],\n [4, 5]] i32[2, 2]")
  }

  @Test func scalarsAndEmptyArrays() throws {
    #expect("\(try NDArray([1.5 as Float], []))" == "1.5 f32")
    #expect("\(NDArray.zeros([0, 3]))" == "[] f32[0, 3]")
    #expect("\(NDArray.zeros([0], element: .bool))" == "[] bool[0]")
  }

  @Test func digits() throws {
    #expect("\(try NDArray([0.1, 1 / 3] as [Float], [2]))" == "[0.100000, 0.333333] f32[2]")
    #expect("\(try NDArray([0.1, 0.25] as [Float], [2]))" == "[0.10, 0.25] f32[2]")
    #expect("\(try NDArray([1e-7, 2.5e-7] as [Float], [2]))" == "[1.0e-07, 2.5e-07] f32[2]")
    #expect("\(try NDArray([1e10, 1] as [Double], [2]))" == "[1.0e+10, 1.0e+00] f64[2]")
    #expect("\(try NDArray([.nan, -.infinity, 2] as [Double], [3]))" == "[ nan, -inf,  2.0] f64[3]")
    #expect("\(try NDArray([1 / 3 as Float16], [1]))" == "[0.333] f16[1]")
    #expect("\(try NDArray([BFloat16(0.1)], [1]))" == "[0.1] bf16[1]")
  }

  @Test func largeArraysAreShortened() throws {
    let x = try NDArray((0..<1200).map { Int32($0) }, [30, 40])
    #expect(
      "\(x)" == """
        [[   0,    1,    2, ...,   37,   38,   39],
         [  40,   41,   42, ...,   77,   78,   79],
         [  80,   81,   82, ...,  117,  118,  119],
         ...,
         [1080, 1081, 1082, ..., 1117, 1118, 1119],
         [1120, 1121, 1122, ..., 1157, 1158, 1159],
         [1160, 1161, 1162, ..., 1197, 1198, 1199]] i32[30, 40]
        """)
    #expect("\(try NDArray((0..<1001).map { Int32($0) }, [1001]))" == "[   0,    1,    2, ...,  998,  999, 1000] i32[1001]")
    // A million rows take no longer than six.
    #expect("\(NDArray.zeros([1 << 20, 2, 2]))".count < 500)
  }

  @Test func longRowsGoOn() throws {
    let lines = "\(try NDArray((0..<60).map { Int32($0) }, [60]))".split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines.allSatisfy { $0.count <= 108 })
    #expect(lines[1].hasPrefix(" 25, 26,"))
  }
}

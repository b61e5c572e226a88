import HeedArrays
import HeedIR
import Testing

/// Numbers from 0 on, in row-major order.
private func counting(_ shape: [Int]) throws -> NDArray {
  try NDArray((0..<shape.reduce(1, *)).map { Int32($0) }, shape)
}

@Suite struct PartTests {
  @Test func indicesAndRanges() throws {
    let x = try counting([3, 4, 5])
    #expect(try x[1].ints() == Array(20..<40))
    #expect(x[1].shape == [4, 5])
    #expect(try x[-1, 2].ints() == Array(50..<55))
    #expect(try x[0, 1, 2].int() == 7)
    #expect(try x[.all, 2, 3].ints() == [13, 33, 53])
    #expect(try x[0, 1..<3, 0...1].ints() == [5, 6, 10, 11])
    #expect(try x[..., -1].ints() == Array(stride(from: 4, to: 60, by: 5)))
    #expect(x[..., (-2)...].shape == [3, 4, 2])
    #expect(try x[.rest, .range(0, -1, step: 2)][0, 0].ints() == [0, 2])
    #expect(try x[.from(1, step: 2)].ints() == Array(20..<40))
    #expect(try x[...2, 0, 0].ints() == [0, 20, 40])
    #expect(try x[..<(-1), 0, 0].ints() == [0, 20])
    #expect(x[3...].shape == [0, 4, 5])
    #expect(try x[3...].ints() == [])
    #expect(try x[[.rest, 0.arrayIndex]].ints() == x[..., 0].ints())
  }

  /// Every part by a range with a step in each dimension, and parts of parts, against plain loops.
  @Test func everyPart() throws {
    let shape = [3, 4]
    let x = try counting(shape)
    func ranges(_ extent: Int) -> [(start: Int, stop: Int, step: Int)] {
      (0...extent).flatMap { start in (start...extent).flatMap { stop in [1, 2, 3].map { (start, stop, $0) } } }
    }
    for rows in ranges(3) {
      for columns in ranges(4) {
        let part = x[.range(rows.start, rows.stop, step: rows.step), .range(columns.start, columns.stop, step: columns.step)]
        let (i, j) = (
          Array(stride(from: rows.start, to: rows.stop, by: rows.step)),
          Array(stride(from: columns.start, to: columns.stop, by: columns.step))
        )
        #expect(part.shape == [i.count, j.count])
        #expect(try part.ints() == i.flatMap { row in j.map { row * 4 + $0 } })
        if let first = i.first { #expect(try part[0].ints() == j.map { first * 4 + $0 }) }
        #expect(part.contiguous().isContiguous)
        #expect(try part.reshaped([part.count]).ints() == part.ints())
      }
    }
  }

  @Test func hugeNumbersDoNotTrap() throws {
    let x = try counting([3])
    #expect(try x[.from(0, step: .max)].ints() == [0])
    #expect(try x[.range(1, 3, step: .max)].ints() == [1])
    let empty = NDArray.zeros([0, 1 << 40, 8])
    #expect(empty.count == 0 && empty[..., 1].shape == [0, 1 << 40])
    #expect("\(empty)" == "[] f32[0, \(1 << 40), 8]")
  }

  @Test func partsShareMemory() throws {
    let x = try counting([4, 6])
    #expect(x[1].bytes.baseAddress == x.bytes.baseAddress! + 24)
    #expect(x[1].isContiguous)
    #expect(!x[.all, 1].isContiguous)
    #expect(x[1].contiguous().bytes.baseAddress == x[1].bytes.baseAddress)
    #expect(x[..., 0...].isContiguous)
  }

  @Test func changingACopyOrAPartChangesNothingElse() throws {
    var x = try counting([2, 3])
    let before = x
    var row = x[0]
    row[1] = 100
    #expect(try row.ints() == [0, 100, 2])
    #expect(try x.ints() == Array(0..<6))
    x[1] = row
    #expect(try x.ints() == [0, 1, 2, 0, 100, 2])
    #expect(try before.ints() == Array(0..<6))
    row[0] = 7
    #expect(try x[1].ints() == [0, 100, 2])
  }

  @Test func anArrayOfItsOwnIsChangedInPlace() throws {
    var x = try counting([2, 3])
    let address = x.bytes.baseAddress
    x[0, 1] = 9
    x[1][2] = 8
    #expect(x.bytes.baseAddress == address)
    #expect(try x.ints() == [0, 9, 2, 3, 4, 8])
    // Rows of itself that overlap.
    x[...] = [[1, 2, 3], [4, 5, 6]]
    var tall = try counting([4, 2])
    tall[1...] = tall[..<(-1)]
    #expect(try tall.ints() == [0, 1, 0, 1, 2, 3, 4, 5])
  }

  @Test func memoryThatOthersSeeIsCopiedFirst() throws {
    let whole = try counting([4])
    let storage = ArrayStorage(bytes: UnsafeMutableRawBufferPointer(mutating: whole.bytes)) { _ in _ = whole }
    var x = try NDArray(element: .i32, shape: [4], storage: storage)
    x[0] = 50
    #expect(try x.ints() == [50, 1, 2, 3])
    #expect(try whole.ints() == [0, 1, 2, 3])
  }

  @Test func whatIsAssignedRepeats() throws {
    var x = NDArray.zeros([2, 3])
    x[...] = 1.5
    #expect(try x.floats() == [1.5, 1.5, 1.5, 1.5, 1.5, 1.5])
    x[...] = [1, 2, 3]
    #expect(try x.floats() == [1, 2, 3, 1, 2, 3])
    x[...] = [[4], [5]]
    #expect(try x.floats() == [4, 4, 4, 5, 5, 5])
    x[.all, 1] = [0.1, 0.2]
    #expect(try x.floats() == [4, 0.1, 4, 5, 0.2, 5])
    x[0] = NDArray.ones([3], element: .i32)
    #expect(try x[0].floats() == [1, 1, 1])
  }

  #if compiler(>=6.2)
    @Test func mistakesStopWithAMessage() async {
      func message(_ result: ExitTest.Result?) -> String { String(decoding: result?.standardErrorContent ?? [], as: UTF8.self) }
      let index = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NDArray.zeros([2, 3])[0, 3]
      }
      #expect(message(index).contains("got the index 3 in dimension 1 of an array of shape [2, 3], expected one inside 0 ..< 3"))
      let range = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { _ = NDArray.zeros([2])[1..<4] }
      #expect(message(range).contains("got the range 1 ..< 4 in dimension 0 of an array of shape [2], expected one inside 0 ..< 2"))
      let many = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { _ = NDArray.zeros([2])[0, 0] }
      #expect(message(many).contains("got 2 indices for an array of shape [2], expected at most 1"))
      let shape = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var x = NDArray.zeros([2, 3])
        x[0] = [1, 2]
      }
      #expect(message(shape).contains("got shape [2] for a part of shape [3]"))
      let type = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var x = NDArray.zeros([2], element: .i32)
        x[0] = 0.5
      }
      #expect(message(type).contains("an assigned part: got f64, expected i32: i32 cannot hold the value 0.5 exactly"))
      let bytes = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NDArray.zeros([2, 2])[.all, 0].bytes
      }
      #expect(message(bytes).contains("a part with gaps; use contiguous().bytes"))
    }
  #endif
}

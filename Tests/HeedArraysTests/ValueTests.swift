import HeedArrays
import HeedIR
import Testing

@Suite struct ValueTests {
  @Test func readersSayHowToRead() throws {
    let x = try NDArray([1, 2] as [Float], [2])
    #expect(throws: HeedError("got f32[2], expected f64; read it with .floats() or convert it with .converted(to: .f64)")) {
      let _: [Double] = try x.values()
    }
    #expect(try x.doubles() == [1, 2])
    #expect(throws: HeedError("got f32[2], expected i64; read it with .floats() or convert it with .converted(to: .i64)")) {
      try x.ints()
    }
    #expect(throws: HeedError("got f64[1], expected f32; read it with .doubles() or convert it with .converted(to: .f32)")) {
      try NDArray([1] as [Double], [1]).floats()
    }
    #expect(throws: HeedError("got i32[1], expected f32; read it with .ints() or convert it with .converted(to: .f32)")) {
      try NDArray([1] as [Int32], [1]).floats()
    }
    #expect(throws: HeedError("got bool[1], expected i64; read it with .bools() or convert it with .converted(to: .i64)")) {
      try NDArray([true], [1]).ints()
    }
    #expect(throws: HeedError("got f32[2] of 2 elements, expected one; read it with .floats()")) { try x.float() }
  }

  @Test func widerTypesReadNarrowOnes() throws {
    #expect(try NDArray([1.5 as Float16, -2], [2]).floats() == [1.5, -2])
    #expect(try NDArray([BFloat16(1.5 as Float)], [1]).doubles() == [1.5])
    #expect(try NDArray([-3 as Int8, 4], [2]).ints() == [-3, 4])
    #expect(try NDArray([200 as UInt8], []).int() == 200)
    #expect(try NDArray([true, false], [2]).bools() == [true, false])
    #expect(try NDArray([Float.nan], [1]).doubles()[0].isNaN)
  }

  /// Each pair of types, against the rule in words: what has the same value is kept, what has not is an error.
  @Test func arraysWithATypeConvertWhereNothingIsLost() throws {
    let values: [Double] = [0, 1, -1, 127, 128, 255, 256, 2049, 65504, 65536, 16_777_217, 0.5, 0.1, 1e300, .infinity, .nan]
    for source in ElementType.allCases where source != .bool {
      // A 64-bit integer that a double rounds has a test of its own.
      for value in values where source != .i64 || value < 0x1p63 {
        let array = try NDArray([value], [1]).converted(to: source)
        // What the source type holds.
        let held = source.isFloat ? source.round(value) : Double(try array.converted(to: .i64).ints()[0])
        for target in ElementType.allCases where target != .bool && target != source {
          let fits =
            target.isFloat
            ? target.round(held) == held || held.isNaN : Int64(exactly: held).map { target.integerRange.contains($0) } ?? false
          let converted = try? array.adapted(to: target, "x")
          #expect((converted != nil) == fits, "\(value) as \(source), \(held), to \(target)")
          if let converted { #expect(converted.element == target) }
        }
      }
    }
  }

  @Test func largeIntegersAreNotRounded() throws {
    let large = try NDArray([Int.max, 1 << 53], [2])
    #expect(throws: HeedError.self) { try large.adapted(to: .f64, "x") }
    #expect(try large[1].adapted(to: .f64, "x").double() == 0x1p53)
    #expect(throws: HeedError.self) { try NDArray([0x1p63], [1]).adapted(to: .i64, "x") }
  }

  @Test func conversionIsThatOfTheOp() throws {
    let x = try NDArray([2.7, -2.7, 300, .nan], [4])
    #expect(try x.converted(to: .u8).ints() == [2, 0, 255, 0])
    #expect(try x.converted(to: .i32).ints() == [2, -2, 300, 0])
    #expect(try x.converted(to: .bool).bools() == [true, true, true, true])
    #expect(try NDArray([300] as [Int], [1]).converted(to: .u8).ints() == [44])
    #expect(try NDArray([true, false], [2]).converted(to: .f16).floats() == [1, 0])
    let part = (try x.reshaped([2, 2]))[.all, 1]
    #expect(try part.converted(to: .i32).ints() == [-2, 0])
  }

  @Test func oneNumber() throws {
    #expect(try NDArray.zeros([2, 2]).floats() == [0, 0, 0, 0])
    #expect(NDArray.ones([3], element: .bf16).element == .bf16)
    #expect(try NDArray.ones([2], element: .bool).bools() == [true, true])
    #expect(try NDArray(shape: [2, 2], repeating: Float.pi).floats() == [Float](repeating: .pi, count: 4))
    #expect(try NDArray(shape: [2], repeating: 0.1).floats() == [0.1, 0.1])
    #expect(try NDArray(shape: [], repeating: true).bool())
    #expect(try NDArray(shape: [0, 3], repeating: 1).ints() == [])
  }

  @Test func randomNumbersDependOnTheSeedAlone() throws {
    let x = NDArray.random([100, 100], seed: 1)
    // The first numbers are the same on every machine.
    #expect(
      try NDArray.random([3], seed: 1, element: .f64).doubles() == [0.42945220538400686, 1.5857725335739927, 0.4564552075888475])
    #expect(
      try NDArray.uniform([3], seed: 1, element: .f64).doubles() == [0.5665615751722809, 0.7457817572627011, 0.9710027535867962])
    #expect(try x.floats() == NDArray.random([100, 100], seed: 1).floats())
    #expect(try x.floats() != NDArray.random([100, 100], seed: 2).floats())
    let values = try x.doubles()
    let mean = values.reduce(0, +) / 10_000
    let variance = values.reduce(0) { $0 + $1 * $1 } / 10_000 - mean * mean
    #expect(abs(mean) < 0.04 && abs(variance - 1) < 0.06)
    // 68.27 % lie within one deviation, 99.73 % within three.
    #expect(abs(Double(values.count { abs($0) < 1 }) / 10_000 - 0.6827) < 0.02)
    #expect((1...80).contains(values.count { abs($0) > 3 }))
  }

  @Test func uniformNumbersStayInTheirRange() throws {
    let x = try NDArray.uniform([1000], in: -2..<3, seed: 5).floats()
    #expect(x.allSatisfy { -2 <= $0 && $0 < 3 })
    #expect(abs(x.reduce(0, +) / 1000 - 0.5) < 0.2)
    let whole = try NDArray.uniform([1000], in: 0..<4, seed: 6, element: .i32).ints()
    #expect(Set(whole) == [0, 1, 2, 3])
    // 16 bits round to the end often.
    #expect(try NDArray.uniform([5000], seed: 7, element: .bf16).floats().allSatisfy { $0 < 1 })
    let bools = try NDArray.uniform([1000], seed: 8, element: .bool).bools()
    #expect((400...600).contains(bools.count { $0 }))
  }
}

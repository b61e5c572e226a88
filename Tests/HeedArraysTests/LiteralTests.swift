import HeedArrays
import HeedIR
import Testing

@Suite struct LiteralTests {
  @Test func nestedListsHaveTheirShape() throws {
    let x: NDArray = [[1, 2, 3], [4, 5, 6]]
    #expect(x.shape == [2, 3])
    #expect(x.element == .i64)
    #expect(try x.ints() == [1, 2, 3, 4, 5, 6])
    let y: NDArray = [[[0.5], [-1]], [[2], [3.25]]]
    #expect(y.shape == [2, 2, 1])
    #expect(try y.doubles() == [0.5, -1, 2, 3.25])
    let scalar: NDArray = 3
    #expect(scalar.shape == [])
    #expect(try scalar.int() == 3)
    let bools: NDArray = [true, false]
    #expect(try bools.bools() == [true, false])
    let empty: NDArray = []
    #expect(empty.shape == [0])
    #expect((["x": [], "y": [[]]] as [String: NDArray])["y"]?.shape == [1, 0])
  }

  @Test func numbersTakeTheTypeThatTheyAreUsedAs() throws {
    let x: NDArray = [0.1, 2]
    #expect(try x.floats() == [0.1, 2])
    #expect(try x.adapted(to: .f32, "x").values(as: Float.self) == [0.1, 2])
    #expect(try x.adapted(to: .bf16, "x").values(as: BFloat16.self) == [BFloat16(0.1 as Float), BFloat16(2 as Float)])
    let whole: NDArray = [1, 2]
    #expect(try whole.adapted(to: .f32, "x").floats() == [1, 2])
    #expect(try whole.adapted(to: .u8, "x").ints() == [1, 2])
    // A Swift literal rounds to a float type too.
    let large: NDArray = [16_777_217]
    #expect(try large.adapted(to: .f32, "x").floats() == [16_777_216])
    // Parts and reshaped arrays are as untyped as the whole.
    #expect(try x[0].adapted(to: .f32, "x").float() == 0.1)
    #expect(try x.reshaped([2, 1]).adapted(to: .f32, "x").shape == [2, 1])
    // A conversion states a type.
    #expect(throws: HeedError.self) { try x.converted(to: .f64).adapted(to: .f32, "x") }
  }

  @Test func whatDoesNotFitIsAnError() throws {
    func message(_ array: NDArray, _ element: ElementType) -> String {
      do {
        _ = try array.adapted(to: element, "input 'x'", declared: "\(element)[S]")
        return ""
      } catch { return "\(error)" }
    }
    #expect(
      message([1, 300], .u8)
        == "error: input 'x': got i64[2], expected u8[S]: u8 cannot hold the value 300 at [1] exactly; convert with .converted(to: .u8)"
    )
    #expect(message([0.5], .i32).contains("i32 cannot hold the value 0.5 at [0] exactly"))
    #expect(message([1e300], .f32).contains("f32 cannot hold the value 1e+300 at [0] exactly"))
    #expect(message([true], .f32) == "error: input 'x': got bool[1], expected f32[S]; convert with .converted(to: .f32)")
    #expect(message([0, 1], .bool) == "error: input 'x': got i64[2], expected bool[S]; convert with .converted(to: .bool)")
  }

  @Test func listsInInitialisersAreLiterals() throws {
    #expect(try NDArray([0.1, 0.2], [2, 1]).adapted(to: .f32, "x").floats() == [0.1, 0.2])
    #expect(try NDArray([[0.1], [0.2]]).adapted(to: .f32, "x").shape == [2, 1])
    #expect(try NDArray([1, 2] as [Float], [2]).element == .f32)
    let numbers: [Float] = [1, 2]
    #expect(try NDArray([numbers, numbers]).values(as: Float.self) == [1, 2, 1, 2])
    #expect(try NDArray([numbers[0], 5]).shape == [2])
  }

  @Test func infinitiesAndNegatives() throws {
    let bias: NDArray = [[0, -.infinity], [.nan, -1.5]]
    #expect(bias.shape == [2, 2])
    let floats = try bias.adapted(to: .f16, "x").floats()
    #expect(floats[0] == 0 && floats[1] == -.infinity && floats[2].isNaN && floats[3] == -1.5)
    #expect(try NDArray([0.1, -.infinity], [2]).adapted(to: .f32, "x").floats() == [0.1, -.infinity])
    #expect(try (-NDArray([1, -128] as [Int8], [2])).ints() == [-1, -128])
    #expect(try (-bias[0]).floats() == [0, .infinity])
  }

  @Test func raggedListsThrow() throws {
    #expect(throws: HeedError("got a list of 1 at [1] of an array, expected one of 2, as those before")) {
      try NDArray([[1, 2], [3]])
    }
    #expect(throws: HeedError("got one number at [1] of an array, expected a list of 1, as at the places before")) {
      try NDArray([[1], 2])
    }
    #expect(throws: HeedError("got a list at [1] of an array, expected one number, as at the places before")) {
      try NDArray([1, [2]])
    }
    #expect(throws: HeedError("got an array of bools and numbers, expected elements of one kind")) { try NDArray([true, 1]) }
    #expect(throws: HeedError("got 3 values for an array of shape [2, 2], expected 4")) { try NDArray([1, 2, 3], [2, 2]) }
    let rows: [[Float]] = [[1, 2], [3]]
    #expect(throws: HeedError("got an element of shape [1] at [1] of an array, expected shape [2], as those before")) {
      try NDArray(rows)
    }
  }

  @Test func arraysStack() throws {
    let row = try NDArray([1, 2] as [Float], [2])
    let rows: NDArray = [row, [3, 4.5]]
    #expect(rows.element == .f32)
    #expect(try rows.floats() == [1, 2, 3, 4.5])
    #expect(throws: HeedError("got f32[2] at [1] of an array, expected i64; convert with .converted(to: .i64)")) {
      try NDArray(stacking: [NDArray([1, 2] as [Int], [2]), row])
    }
  }

  #if compiler(>=6.2)
    @Test func aRaggedLiteralStopsWithAMessage() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let ragged: NDArray = [[1, 2], [3]]
        _ = ragged
      }
      let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      #expect(text.contains("NDArray: error: got an element of shape [1] at [1] of an array, expected shape [2], as those before"))
    }
  #endif
}

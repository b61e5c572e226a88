import HeedDSL
import HeedIR
import Testing

/// Tensors put together, taken apart, moved, picked from and sorted.
@Suite struct ArrangementTests {
  private let x = reals([0, 1, 2, 3, 4, 5], [2, 3])

  @Test func stacksAndSplits() throws {
    let results = try run(["x": x]) { g in
      let x = g.input("x", .f32, ["B", 3])
      let columns = x.split(3)
      let parts = x.split(sizes: [1, 2])
      return [stack([x, x * 10]), stack([x, x], dimension: -1), columns[2], parts[0], parts[1]]
    }
    #expect(results[0] == reals([0, 1, 2, 3, 4, 5, 0, 10, 20, 30, 40, 50], [2, 2, 3]))
    #expect(results[1] == reals([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5], [2, 3, 2]))
    #expect(results[2] == reals([2, 5], [2, 1]))
    #expect(results[3] == reals([0, 3], [2, 1]) && results[4] == reals([1, 2, 4, 5], [2, 2]))
  }

  @Test func splitsOfUnknownExtents() throws {
    let results = try run(["x": reals([1, 2, 3, 4, 5, 6])]) { g in
      let x = g.input("x", .f32, ["2*S"])
      return x.split(2) + x.split(sizes: ["S - 1", "S + 1"], dimension: 0)
    }
    #expect(results.map(\.reals) == [[1, 2, 3], [4, 5, 6], [1, 2], [3, 4, 5, 6]])
  }

  @Test(arguments: [-7, -1, 0, 1, 2, 5]) func rolls(_ shift: Int) throws {
    let results = try run(["x": x, "y": reals([1, 2, 3, 4, 5, 6, 7])]) { g in
      let (x, y) = (g.input("x", .f32, ["B", 3]), g.input("y", .f32, ["S"]))
      return [x.roll(shift), y.roll(shift), y.roll("S - 2")]
    }
    func rolled(_ row: [Double]) -> [Double] { row.indices.map { row[(($0 - shift) % row.count + row.count) % row.count] } }
    #expect(results[0].reals == rolled([0, 1, 2]) + rolled([3, 4, 5]))
    #expect(results[1].reals == rolled([1, 2, 3, 4, 5, 6, 7]))
    #expect(results[2].reals == [3, 4, 5, 6, 7, 1, 2])
  }

  @Test func triangles() throws {
    let results = try run(["x": reals([.nan, 2, 3, 4, 5, 6])]) { g in
      let x = g.input("x", .f32, [6]).reshape([2, 3])
      return [tril(x), tril(x, diagonal: 1), triu(x, diagonal: 1), triu(x, diagonal: -5)]
    }
    #expect(isNear(results[0], reals([.nan, 0, 0, 4, 5, 0], [2, 3])))
    #expect(isNear(results[1], reals([.nan, 2, 0, 4, 5, 6], [2, 3])))
    #expect(isNear(results[2], reals([0, 2, 3, 0, 0, 6], [2, 3])))
    #expect(isNear(results[3], reals([.nan, 2, 3, 4, 5, 6], [2, 3])))
  }

  @Test func picksAlongADimension() throws {
    let inputs = ["x": x, "i": integers([2, 0, 5, -1], [2, 2]), "j": integers([1, 0, 0], [1, 3], .u8)]
    let results = try run(inputs) { g in
      let (x, i, j) = (g.input("x", .f32, [2, 3]), g.input("i", .i32, [2, 2]), g.input("j", .u8, [1, 3]))
      return [x.takeAlong(i), x.takeAlong(j, dimension: 0), i.takeAlong(i)]
    }
    #expect(isNear(results[0], reals([2, 0, .nan, .nan], [2, 2])))
    #expect(isNear(results[1], reals([3, 1, 2], [1, 3])))
    #expect(results[2] == integers([0, 2, 0, 0], [2, 2]))
  }

  @Test func oneHotRows() throws {
    let results = try run(["i": integers([2, 0, 300, -1], [2, 2]), "n": integers([3], nil, .u8)]) { g in
      let (i, n) = (g.input("i", .i32, [2, 2]), g.input("n", .u8, [1]))
      return [i.oneHot(3), n.oneHot(260, as: .bool)]
    }
    #expect(results[0] == reals([0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0], [2, 2, 3]))
    #expect(results[1].integers.enumerated().filter { $0.element == 1 }.map(\.offset) == [3])
  }

  @Test func sortsAlongEachDimension() throws {
    let results = try run(["x": reals([2, 9, 2, 1, 5, 0], [2, 3]), "n": integers([3, -1, 2], [3])]) { g in
      let (x, n) = (g.input("x", .f32, ["B", 3]), g.input("n", .i32, [3]))
      let (rows, columns) = (x.sort(), x.sort(0, descending: true))
      let order = x.argSort()
      return [rows.values, rows.indices, columns.values, columns.indices, x.takeAlong(order), n.argSort(descending: true)]
    }
    #expect(results[0] == reals([2, 2, 9, 0, 1, 5], [2, 3]) && results[1] == integers([0, 2, 1, 2, 0, 1], [2, 3]))
    #expect(results[2] == reals([2, 9, 2, 1, 5, 0], [2, 3]) && results[3] == integers([0, 0, 0, 1, 1, 1], [2, 3]))
    #expect(results[4] == results[0] && results[5] == integers([0, 2, 1]))
  }
}

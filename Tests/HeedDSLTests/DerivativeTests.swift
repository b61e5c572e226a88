import HeedDSL
import HeedIR
import Testing

/// `gradients` and `jvp`: what they write, and what it is worth.
@Suite struct DerivativeTests {
  @Test func gradientsAreTensors() throws {
    let text = try text { g in
      let (x, w) = (g.input("x", .f32, ["S", 4]), g.input("w", .f32, [4]))
      let loss = (x * w).sum()
      let found = gradients(of: loss, with: [x, w])
      return [w - found[1] * 0.5, found[0]]
    }
    #expect(text.contains("= vjp ") && text.contains("{outputs = 1} : f32[S, 4], f32[4]"), "\(text)")
  }

  @Test func values() throws {
    let found = try run(["x": reals([1, 2, 3]), "t": reals([1, 0, -1])]) { g in
      let (x, t) = (g.input("x", .f32, ["S"]), g.input("t", .f32, ["S"]))
      let y = x * x * x
      let first = gradients(of: y.sum(), with: [x])[0]
      // The second derivative along t, in both orders of the modes.
      return [
        first, jvp(of: y, with: [x], tangents: [t]), jvp(of: first, with: [x], tangents: [t]),
        gradients(of: (first * t).sum(), with: [x])[0], gradients(of: y, with: [x], cotangent: t)[0],
        gradients(of: y.sum(), with: [t])[0],
      ]
    }
    let expected: [[Double]] = [[3, 12, 27], [3, 0, -27], [6, 0, -18], [6, 0, -18], [3, 0, -27], [0, 0, 0]]
    #expect(found.map(\.reals) == expected)
  }

  @Test func mistakes() {
    let error = mistake { g in gradients(of: g.input("x", .f32, ["S"]), with: []) }
    #expect(
      error?.message == "got the gradient of %x: f32[S], expected that of one number, such as its sum, or a cotangent", "\(error!)")
    let count = mistake { g in
      let x = g.input("x", .f32, ["S"])
      return jvp(of: x, with: [x], tangents: [])
    }
    #expect(count?.message == "got 0 tangents for 1 inputs, expected one for each", "\(count!)")
  }
}

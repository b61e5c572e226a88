import HeedArrays
import HeedIR
import HeedModels
import HeedTestSupport
import Testing

@Suite struct ArrayFileTests {
  @Test func theNameDecidesTheFormat() throws {
    let halves = try NDArray([BFloat16(1.5 as Float)], [1])
    let floats = try NDArray([1, 2] as [Float], [2])
    try withTemporaryFolder { folder in
      try ArrayFile.write(floats, name: "a", to: folder + "/a.npy")
      #expect(try ArrayFile.read(folder + "/a.npy", name: "b").values(as: Float.self) == [1, 2])
      try ArrayFile.write(halves, name: "a", to: folder + "/a.safetensors")
      #expect(try ArrayFile.read(folder + "/a.safetensors", name: "b").values(as: BFloat16.self).map(\.float) == [1.5])
      try SafetensorsFile.write([("a", halves), ("b", floats)], to: folder + "/two.safetensors")
      #expect(try ArrayFile.read(folder + "/two.safetensors", name: "b").values(as: Float.self) == [1, 2])
      let text = message { try ArrayFile.read(folder + "/two.safetensors", name: "c") }
      #expect(text == "reading \(folder)/two.safetensors: got no tensor \"c\" among the 2 of the file")
    }
    #expect(message { try ArrayFile.read("a.txt", name: "a") } == "got the file \"a.txt\", expected a .npy or .safetensors file")
    let text = message { try ArrayFile.write(floats, name: "a", to: "a") }
    #expect(text == "got the file \"a\", expected a .npy or .safetensors file")
  }
}

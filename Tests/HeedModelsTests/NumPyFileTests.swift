import Foundation
import HeedArrays
import HeedIR
import HeedModels
import HeedTestSupport
import Testing

@Suite struct NumPyFileTests {
  /// The bytes of a `.npy` file with this header text.
  static func file(version: UInt8 = 1, _ header: String, _ data: [UInt8]) -> [UInt8] {
    let count = header.utf8.count
    let length = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(header.utf8) + data
  }

  static func decode(_ bytes: [UInt8]) throws -> NDArray { try bytes.withUnsafeBytes { try NumPyFile.decode($0) } }

  static func header(type: String = "<i4", fortran: String = "False", _ shape: String) -> String {
    "{'descr': '\(type)', 'fortran_order': \(fortran), 'shape': \(shape), }\n"
  }

  @Test(arguments: ElementType.allCases.filter { $0 != .bf16 }, [[], [0], [1], [3, 0, 2], [2, 3], [2, 1, 3, 2]])
  func roundtrip(element: ElementType, shape: [Int]) throws {
    let array = try NDArray(zeros: element, shape)
    for index in array.storage.bytes.indices {
      array.storage.bytes[index] = UInt8(truncatingIfNeeded: element == .bool ? index % 2 : index * 7)
    }
    try withTemporaryFolder { folder in
      try NumPyFile.write(array, to: folder + "/a.npy")
      let back = try NumPyFile.read(folder + "/a.npy")
      #expect(back.element == element && back.shape == shape)
      #expect(Array(back.bytes) == Array(array.bytes))
      #expect(try FileManager.default.attributesOfItem(atPath: folder + "/a.npy")[.size] as? Int == NumPyFile.encode(array).count)
    }
  }

  /// What `numpy.save` writes for `numpy.arange(3, dtype="<f4")`.
  @Test func writesWhatNumPyWrites() throws {
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }"
    let expected = Self.file(
      text.padding(toLength: 117, withPad: " ", startingAt: 0) + "\n", [0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64])
    #expect(try NumPyFile.encode(NDArray([0, 1, 2] as [Float], [3])) == expected)
  }

  /// A part with gaps is written without them.
  @Test func writesParts() throws {
    let array = try NDArray([0, 1, 2, 3, 4, 5] as [Float], [2, 3])
    for part in [array[.all, 1], array[1], array[.all, .range(0, 3, step: 2)], array[1, 2], array[2...]] {
      let whole = try NDArray(part.floats(), part.shape)
      #expect(try NumPyFile.encode(part) == NumPyFile.encode(whole))
      try withTemporaryFolder { folder in
        try NumPyFile.write(part, to: folder + "/a.npy")
        #expect(try NumPyFile.read(folder + "/a.npy").floats() == part.floats())
        try SafetensorsFile.write([("a", part)], to: folder + "/a.safetensors")
        #expect(try SafetensorsFile(path: folder + "/a.safetensors").array("a").floats() == part.floats())
      }
    }
  }

  @Test(arguments: [1, 2, 3] as [UInt8]) func readsEveryVersion(version: UInt8) throws {
    let array = try Self.decode(Self.file(version: version, Self.header("(2,)"), [1, 0, 0, 0, 255, 255, 255, 255]))
    #expect(array.values(as: Int32.self) == [1, -1])
  }

  @Test func readsKeysInAnyOrderAndBothQuotes() throws {
    let array = try Self.decode(Self.file("{\"shape\":(1 , 2,),'fortran_order':False , \"descr\": \"<u1\"}", [5, 6]))
    #expect(array.shape == [1, 2] && array.values(as: UInt8.self) == [5, 6])
  }

  @Test func transposesFortranOrder() throws {
    // a[i, j, k] = 100 i + 10 j + k for extents 2, 3, 2, the first index running fastest.
    var stored: [UInt8] = []
    for k in 0..<2 { for j in 0..<3 { for i in 0..<2 { stored.append(UInt8(100 * i + 10 * j + k)) } } }
    let array = try Self.decode(Self.file(Self.header(type: "|u1", fortran: "True", "(2, 3, 2)"), stored))
    #expect(array.values(as: UInt8.self) == [0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121])
    let wide = try Self.decode(
      Self.file(Self.header(type: "<i4", fortran: "True", "(2, 2)"), [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0]))
    #expect(wide.values(as: Int32.self) == [1, 3, 2, 4])
    let empty = try Self.decode(Self.file(Self.header(type: "<i4", fortran: "True", "(0, 2)"), []))
    #expect(empty.shape == [0, 2])
    let scalar = try Self.decode(Self.file(Self.header(type: "|i1", fortran: "True", "()"), [9]))
    #expect(scalar.values(as: Int8.self) == [9])
  }

  @Test(arguments: [
    (file("", []).prefix(4).map { $0 }, "got a file of 4 bytes, expected a .npy header"),
    (Array("PK\u{3}\u{4}not a numpy file".utf8), "does not begin with \\x93NUMPY"),
    (file(version: 4, header("(1,)"), []), "got .npy format version 4.0, expected 1.0, 2.0 or 3.0"),
    (file(header("(1,)"), []).prefix(30).map { $0 }, "expected at most the 20 that the file still has"),
    (file(version: 2, header("(1,)"), []).prefix(11).map { $0 }, "got a file of 11 bytes, expected a .npy header"),
    (file(header("(2, 3)"), [0, 0, 0, 0]), "got 4 bytes after the header, expected 24 for i32[2, 3]"),
    (file(header("(1,)"), [0, 0, 0, 0, 0]), "got 5 bytes after the header, expected 4"),
    (file(header("(4611686018427387904, 4)"), []), "has more elements than 64 bits count"),
    (file(header("(4611686018427387904,)"), []), "expected more bytes than 64 bits count"),
    (file(header("(99999999999999999999,)"), []), "got an extent of 20 digits"),
    (file(header("(-1,)"), []), "got \"-\" at byte 51 of the .npy header, expected an extent"),
    (file(header("(1,"), []), "expected an extent"),
    (file(header(type: ">f4", "(1,)"), []), "convert big-endian arrays first"),
    (file(header(type: "<V2", "(1,)"), [0, 0]), "NumPy has no bfloat16: use a .safetensors file"),
    (
      file(header(type: "<c16", "(1,)"), []),
      "got elements of the NumPy type \"<c16\", expected one of <f8 <f4 <f2 <i8 <i4 |i1 |u1 |b1"
    ),
    (file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", []), "got a structured NumPy type"),
    (file("{'descr': '<f4', 'shape': (1,)}", []), "without one of descr, fortran_order and shape"),
    (file("{'descr': '<f4', 'descr': '<f4', 'shape': (1,)}", []), "got the key \"descr\""),
    (file("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", []), "expected True or False"),
    (file("{'descr': '<f4\n', 'fortran_order': False, 'shape': (1,)}", []), "expected a string without escapes"),
    (
      file("{'descr': '<f4', 'fortran_order': False, 'shape': (0,)} x", []),
      "got \"x\" at byte 56 of the .npy header, expected its end"
    ),
    (file(header(type: "|b1", "(3,)"), [0, 1, 2]), "got the byte 2 in element 2 of an array of bool, expected 0 or 1"),
  ])
  func rejects(bytes: [UInt8], part: String) {
    let text = message { try Self.decode(bytes) }
    #expect(text.contains(part), "\(text)")
  }

  @Test func namesTheFile() throws {
    #expect(message { try NumPyFile.read("/nowhere/a.npy") } == "opening /nowhere/a.npy: No such file or directory")
    try withTemporaryFolder { folder in
      #expect(message { try NumPyFile.read(folder) }.hasSuffix("got a folder, expected a file"))
      try Data([1, 2, 3]).write(to: URL(fileURLWithPath: folder + "/a.npy"))
      #expect(message { try NumPyFile.read(folder + "/a.npy") }.hasPrefix("reading \(folder)/a.npy: got a file of 3 bytes"))
      let array = try NDArray([BFloat16(1 as Float)], [1])
      let text = message { try NumPyFile.write(array, to: folder + "/b.npy") }
      #expect(text == "writing \(folder)/b.npy: got an array of bf16, expected a type that NumPy has; use a .safetensors file")
      #expect(!FileManager.default.fileExists(atPath: folder + "/b.npy"))
    }
  }
}

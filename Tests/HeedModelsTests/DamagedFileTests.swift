import Foundation
import HeedArrays
import HeedIR
import HeedModels
import HeedTestSupport
import Testing

/// Files with changed, lost and added bytes either give arrays within bounds or one clear error, and never a crash.
@Suite struct DamagedFileTests {
  /// One to three changes, some of them at the very start.
  static func damage(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
      let limit = Int.random(in: 0..<4, using: &random) == 0 ? min(bytes.count, 16) : bytes.count
      let place = Int.random(in: 0..<limit, using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0...2: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 3: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 4: bytes[place] = UInt8(ascii: "0") + UInt8.random(in: 0...9, using: &random)
      case 5: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...8, using: &random)))
      case 6: bytes.insert(UInt8.random(in: 0x20...0x7e, using: &random), at: place)
      default: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
      }
    }
    return bytes
  }

  /// Reads every byte of `array`.
  static func sum(_ array: NDArray) -> Int {
    withExtendedLifetime(array.storage) { array.bytes.reduce(0) { $0 + Int($1) } }
  }

  @Test(arguments: 0..<4 as Range<UInt64>) func numPy(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let originals = try [
      NumPyFile.encode(NDArray([1, 2, 3, 4, 5, 6] as [Float], [2, 3])),
      NumPyFile.encode(NDArray([true, false, true], [3])),
      NumPyFileTests.file("{'descr':'<f8','fortran_order':True,'shape':(2,2)}", Array(repeating: 1, count: 32)),
      NumPyFileTests.file(version: 3, "{'descr':'<i8','fortran_order':False,'shape':(2,)}", Array(repeating: 1, count: 16)),
    ]
    var (read, rejected) = (0, 0)
    for _ in 0..<4000 {
      let bytes = Self.damage(originals.randomElement(using: &random)!, &random)
      do {
        // A copy of exactly this size, so that an address sanitizer sees any read past the end.
        let array = try NumPyFileTests.decode(bytes)
        #expect(array.byteCount <= bytes.count && Self.sum(array) >= 0)
        read += 1
      } catch let error as HeedError {
        #expect(!error.message.contains { $0.isNewline }, "seed \(seed): \(error.message)")
        rejected += 1
      }
    }
    #expect(read > 50 && rejected > 1000)
  }

  @Test(arguments: 0..<4 as Range<UInt64>) func safetensors(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    try withTemporaryFolder { folder in
      let path = folder + "/a.safetensors"
      let arrays: [(name: String, array: NDArray)] = try [
        ("weight", NDArray([1, 2, 3, 4, 5, 6] as [Float], [2, 3])), ("bias", NDArray([1, 2] as [Int8], [2])),
        ("mask", NDArray([true, false], [2, 1])), ("none", NDArray(zeros: .f64, [0, 4])),
      ]
      try SafetensorsFile.write(arrays, metadata: ["format": "pt"], to: path)
      let original = try Array(Data(contentsOf: URL(fileURLWithPath: path)))
      var (read, rejected) = (0, 0)
      for _ in 0..<2000 {
        let bytes = Self.damage(original, &random)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        do {
          let file = try SafetensorsFile(path: path)
          for entry in file.entries {
            #expect(entry.byteRange.upperBound <= bytes.count)
            guard entry.element != nil, entry.element != .bool else { continue }
            let array = try file.array(entry.name)
            #expect(array.byteCount == entry.byteRange.count && Self.sum(array) >= 0)
          }
          read += 1
        } catch let error as HeedError {
          #expect(!error.message.contains { $0.isNewline }, "seed \(seed): \(error.message)")
          rejected += 1
        }
      }
      #expect(read > 20 && rejected > 500)
    }
  }

  /// Every length of a valid file but the whole is an error.
  @Test func everyTruncation() throws {
    let numPy = try NumPyFile.encode(NDArray([1, 2, 3] as [Float], [3]))
    for count in numPy.indices { #expect(throws: HeedError.self) { try NumPyFileTests.decode(Array(numPy[..<count])) } }
    let tensors = SafetensorsFileTests.bytes("{" + SafetensorsFileTests.tensor("a", "F32", "[2]", 0, 8) + "}", 8)
    for count in tensors.indices {
      #expect(throws: HeedError.self) { try SafetensorsFileTests.open(Array(tensors[..<count])) { _ in } }
    }
  }
}

internal import HeedSystem

/// The layout of a cache file: magic, version, length of the key, key, length of the object, checksum of key and object, object.
/// Numbers are 64 bits, least significant byte first.
enum CacheEntry {
  static let suffix = ".heedobject"
  private static let magic: [UInt8] = Array("HEEDOBJ\n".utf8)
  private static let version: UInt64 = 1

  /// The name of the file for `key`: its 128-bit FNV-1a hash. The file holds the key itself, so a collision costs no more than
  /// a compilation.
  static func fileName(key: String) -> String {
    var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
    for byte in key.utf8 { hash = (hash ^ UInt128(byte)) &* 0x0000_0000_0100_0000_0000_0000_0000_013b }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 32 - digits.count) + digits + suffix
  }

  static func encode(key: String, object: [UInt8]) -> [UInt8] {
    let key = Array(key.utf8)
    var file = magic
    file.reserveCapacity(magic.count + 32 + key.count + object.count)
    append(version, to: &file)
    append(UInt64(key.count), to: &file)
    file += key
    append(UInt64(object.count), to: &file)
    append(checksum(key[...], object[...]), to: &file)
    file += object
    return file
  }

  /// The key and the object of a whole file.
  static func decode(_ file: [UInt8]) throws(FileError) -> (key: ArraySlice<UInt8>, object: ArraySlice<UInt8>) {
    var rest = file[...]
    guard try take(UInt64(magic.count), from: &rest).elementsEqual(magic) else { throw .damaged("not a cache file") }
    let found = try takeNumber(from: &rest)
    guard found == version else { throw .damaged("got version \(found), expected \(version)") }
    let key = try take(takeNumber(from: &rest), from: &rest)
    let length = try takeNumber(from: &rest)
    let sum = try takeNumber(from: &rest)
    let object = try take(length, from: &rest)
    guard rest.isEmpty else { throw .damaged("\(rest.count) bytes too long") }
    guard sum == checksum(key, object) else { throw .damaged("wrong checksum") }
    return (key, object)
  }

  private static func append(_ number: UInt64, to file: inout [UInt8]) {
    withUnsafeBytes(of: number.littleEndian) { file += $0 }
  }

  private static func take(_ count: UInt64, from rest: inout ArraySlice<UInt8>) throws(FileError) -> ArraySlice<UInt8> {
    guard count <= UInt64(rest.count) else { throw .damaged("cut short") }
    defer { rest = rest.dropFirst(Int(count)) }
    return rest.prefix(Int(count))
  }

  private static func takeNumber(from rest: inout ArraySlice<UInt8>) throws(FileError) -> UInt64 {
    try take(8, from: &rest).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// What shows that a byte changed; the order of pieces counts.
  static func checksum(_ pieces: ArraySlice<UInt8>...) -> UInt64 {
    var checksum = Checksum()
    for piece in pieces { piece.withUnsafeBytes { checksum.add($0) } }
    return checksum.value
  }
}

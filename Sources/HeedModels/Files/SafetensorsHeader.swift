import HeedIR
internal import OrderedCollections

/// The checked header of a safetensors file: 8 bytes of length (little-endian), then a JSON object.
struct SafetensorsHeader {
  /// In the order of the data.
  let entries: [SafetensorsFile.Entry]
  let metadata: [String: String]

  /// The format's own limit on the length of a header.
  private static let maximumLength = 100_000_000

  static let types: [(name: String, element: ElementType)] = [
    ("F64", .f64), ("F32", .f32), ("F16", .f16), ("BF16", .bf16), ("I64", .i64), ("I32", .i32), ("I8", .i8), ("U8", .u8),
    ("BOOL", .bool),
  ]
  static var typeList: String { types.map(\.name).joined(separator: " ") }

  /// Parses and checks the header of a file of these bytes.
  init(file: UnsafeRawBufferPointer) throws {
    guard file.count >= 8 else { throw HeedError("got a file of \(file.count) bytes, expected a safetensors header") }
    let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(file.count - 8), length <= UInt64(Self.maximumLength) else {
      let limit = min(file.count - 8, Self.maximumLength)
      throw HeedError("got a safetensors header of \(length) bytes, expected at most \(limit)")
    }
    let dataStart = 8 + Int(length)
    let json: JSON
    do {
      json = try JSON(parsing: file[8..<dataStart])
    } catch let error as HeedError {
      throw error.during("safetensors header")
    }
    guard let members = json.members else { throw HeedError("got \(json.kind) as safetensors header, expected an object") }
    var metadata: [String: String] = [:]
    var entries: [SafetensorsFile.Entry] = []
    for (name, value) in members {
      do {
        if name == "__metadata__" {
          metadata = try Self.metadata(value)
        } else {
          entries.append(try Self.entry(name, value, dataStart: dataStart, dataCount: file.count - dataStart))
        }
      } catch let error as HeedError {
        throw error.during("safetensors header: \(JSON.shown(name))")
      }
    }
    entries.sort { ($0.byteRange.lowerBound, $0.byteRange.upperBound) < ($1.byteRange.lowerBound, $1.byteRange.upperBound) }
    try Self.checkCoverage(entries, dataStart: dataStart, end: file.count)
    (self.entries, self.metadata) = (entries, metadata)
  }

  private static func metadata(_ value: JSON) throws -> [String: String] {
    guard let members = value.members else { throw HeedError("got \(value.kind), expected an object of strings") }
    return try Dictionary(
      uniqueKeysWithValues: members.map { key, value in
        guard let text = value.string else { throw HeedError("got \(value.kind), expected an object of strings") }
        return (key, text)
      })
  }

  private static func entry(_ name: String, _ value: JSON, dataStart: Int, dataCount: Int) throws -> SafetensorsFile.Entry {
    guard let fields = value.members else { throw HeedError("got \(value.kind), expected an object") }
    if let extra = fields.keys.first(where: { !["dtype", "shape", "data_offsets"].contains($0) }) {
      throw HeedError("got the key \(JSON.shown(extra)), expected dtype, shape and data_offsets")
    }
    guard let typeName = fields["dtype"]?.string else { throw HeedError("got no dtype, expected a string") }
    guard let shape = naturals(fields["shape"]) else {
      throw HeedError("got no proper shape, expected an array of integers of at least 0")
    }
    guard let offsets = naturals(fields["data_offsets"]), offsets.count == 2 else {
      throw HeedError("got no proper data_offsets, expected two integers of at least 0")
    }
    guard offsets[0] <= offsets[1], offsets[1] <= dataCount else {
      throw HeedError("got data_offsets \(offsets), expected a range within the \(dataCount) bytes of data")
    }
    let count = try Shape.elementCount(of: shape)
    let element = types.first { $0.name == typeName }?.element
    if let element {
      let (byteCount, overflow) = count.multipliedReportingOverflow(by: element.byteCount)
      guard !overflow else { throw HeedError("got the shape \(shape) of \(typeName), which has more bytes than 64 bits count") }
      guard byteCount == offsets[1] - offsets[0] else {
        throw HeedError("got \(offsets[1] - offsets[0]) bytes of data, expected \(byteCount) for \(typeName) of shape \(shape)")
      }
    }
    return SafetensorsFile.Entry(
      name: name, typeName: typeName, element: element, shape: shape,
      byteRange: dataStart + offsets[0]..<dataStart + offsets[1])
  }

  private static func naturals(_ value: JSON?) -> [Int]? {
    guard let values = value?.array else { return nil }
    let integers = values.compactMap(\.integer).filter { $0 >= 0 }
    return integers.count == values.count ? integers : nil
  }

  /// The data of all tensors must follow one another from the first byte to the last.
  private static func checkCoverage(_ entries: [SafetensorsFile.Entry], dataStart: Int, end: Int) throws {
    var position = dataStart
    for entry in entries {
      let start = entry.byteRange.lowerBound
      guard start == position else {
        let what = start < position ? "data that overlaps another tensor's" : "a hole of \(start - position) bytes before its data"
        throw HeedError("safetensors header: \(JSON.shown(entry.name)): got \(what), expected it at offset \(position - dataStart)")
      }
      position = entry.byteRange.upperBound
    }
    guard position == end else {
      throw HeedError("got \(end - dataStart) bytes of data after the safetensors header, expected \(position - dataStart)")
    }
  }
}

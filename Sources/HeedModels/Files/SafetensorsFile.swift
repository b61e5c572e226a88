public import HeedArrays
public import HeedIR
internal import HeedSystem

/// A weight file in the safetensors format, mapped into memory: opening it reads only its header.
///
/// The whole header is checked when the file is opened: names, shapes and byte ranges, which must cover the data exactly, without
/// holes and overlaps. The file may have tensors of an element type that Heed does not have; asking for one is an error.
/// The file must not be cut short while it is in use: replace it by renaming another over it.
/// Source: https://github.com/huggingface/safetensors#format.
public final class SafetensorsFile: Sendable {
  /// A tensor as the header describes it.
  public struct Entry: Hashable, Sendable {
    /// The tensor's name.
    public let name: String
    /// The element type as the file writes it, such as `F32` or `BF16`.
    public let typeName: String
    /// The element type, or nil where Heed has none such.
    public let element: ElementType?
    /// The extents, outermost first.
    public let shape: [Int]
    /// Where the elements lie in the file, in bytes from its start.
    public let byteRange: Range<Int>
  }

  /// The path of the file.
  public let path: String
  /// The tensors in the order of their data in the file.
  public let entries: [Entry]
  /// The free text that the writer left, by key.
  public let metadata: [String: String]
  private let mapping: MappedFile
  private let indices: [String: Int]

  /// Opens the file at `path`.
  /// - Throws: `HeedError` in one line that names the file, where it cannot be mapped or its header is damaged.
  public init(path: String) throws {
    self.path = path
    mapping = try MappedFile(path: path)
    do {
      let header = try SafetensorsHeader(file: UnsafeRawBufferPointer(mapping.bytes))
      (entries, metadata) = (header.entries, header.metadata)
    } catch let error as HeedError {
      throw error.during("reading \(path)")
    }
    indices = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
  }

  /// The names of the tensors in the order of their data in the file.
  public var names: [String] { entries.map(\.name) }

  /// The description of the tensor called `name`, or nil.
  public func entry(_ name: String) -> Entry? { indices[name].map { entries[$0] } }

  /// All tensors by name, as a program's parameters: `try program.load(parameters: file.arrays())`. They share the memory of the mapped
  /// file, as `array(_:)` says.
  /// - Throws: `HeedError` as `array(_:)` does.
  public func arrays() throws -> [String: NDArray] {
    try Dictionary(uniqueKeysWithValues: names.map { ($0, try array($0)) })
  }

  /// The tensor called `name`. It shares the memory of the mapped file, which it keeps alive, unless the file aligns it worse than
  /// its element type needs: then it is a copy. The shared memory is write-protected.
  /// - Throws: `HeedError` where the tensor does not exist, Heed lacks its element type, or a boolean is neither 0 nor 1.
  public func array(_ name: String) throws -> NDArray {
    guard let entry = entry(name) else {
      throw HeedError("reading \(path): got no tensor \(JSON.shown(name)) among the \(entries.count) of the file")
    }
    let place = "reading \(path): tensor \(JSON.shown(name))"
    guard let element = entry.element else {
      throw HeedError("\(place): got the element type \(JSON.shown(entry.typeName)), expected one of \(SafetensorsHeader.typeList)")
    }
    let bytes = UnsafeMutableRawBufferPointer(rebasing: mapping.bytes[entry.byteRange])
    if element == .bool {
      do {
        try checkBooleans(UnsafeRawBufferPointer(bytes))
      } catch let error as HeedError {
        throw error.during(place)
      }
    }
    guard Int(bitPattern: bytes.baseAddress) % element.byteCount == 0 else {
      let copy = try NDArray(zeros: element, entry.shape)
      copy.storage.bytes.copyMemory(from: UnsafeRawBufferPointer(bytes))
      return copy
    }
    let storage = ArrayStorage(bytes: bytes, isConstant: true) { [mapping] _ in withExtendedLifetime(mapping) {} }
    return try NDArray(element: element, shape: entry.shape, storage: storage)
  }
}

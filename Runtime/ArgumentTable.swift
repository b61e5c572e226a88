internal import HeedArrays
internal import HeedIR

/// The inputs, the parameters or the states of a program: finds arrays by name and checks them against what is declared.
struct ArgumentTable: Sendable {
  private struct Entry: Sendable {
    let name: Name
    let text: String
    let buffer: Int
    let type: TensorType
  }

  /// What the arguments are called in errors: `input`, `parameter` or `state`.
  private let kind: String
  private let entries: [Entry]
  private let positions: [String: Int]

  init(_ program: Program, _ storage: Program.Buffer.Storage, kind: String) {
    self.kind = kind
    entries = program.buffers.enumerated().filter { $1.storage == storage }.map { position, buffer in
      Entry(name: buffer.name, text: buffer.name.text, buffer: position, type: buffer.type)
    }
    positions = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.text, $0) })
  }

  var isEmpty: Bool { entries.isEmpty }

  /// The names, in order.
  var names: [String] { entries.map(\.text) }

  /// The arrays in the order of the entries, each with its buffer.
  /// - Throws: where a name is unknown, missing or repeated, a rank is not the declared one, or an array does not become one of the
  ///   declared element type without loss.
  func match(_ arrays: [(name: String, array: NDArray)]) throws -> [(buffer: Int, array: NDArray)] {
    var found = [NDArray?](repeating: nil, count: entries.count)
    for (name, array) in arrays {
      guard let position = positions[name] else { throw unknown(name) }
      guard found[position] == nil else { throw HeedError("got the \(kind) '\(name)' twice, expected it once") }
      let declared = entries[position].type
      guard array.shape.count == declared.rank else {
        throw HeedError(
          "\(kind) '\(name)': got shape \(array.shape) of rank \(array.shape.count), expected \(declared.shape) of rank \(declared.rank)"
        )
      }
      found[position] = try array.adapted(to: declared.element, "\(kind) '\(name)'", declared: "\(declared)")
    }
    return try zip(entries, found).map { entry, array in
      guard let array else {
        throw HeedError("got no \(kind) '\(entry.text)', expected one of type \(entry.type)")
      }
      return (entry.buffer, try array.aligned())
    }
  }

  /// What `SymbolBinding` needs to know of matched arrays.
  func shapes(_ arrays: [(buffer: Int, array: NDArray)]) -> [SymbolBinding.Argument] {
    zip(entries, arrays).map { ($0.name, $0.type.shape, $1.array.shape) }
  }

  private func unknown(_ name: String) -> HeedError {
    guard !entries.isEmpty else { return HeedError("got the \(kind) '\(name)', expected none: the program has no \(kind)s") }
    let known = entries.prefix(8).map { "'\($0.text)'" }.joined(separator: ", ")
    return HeedError("got an unknown \(kind) '\(name)', expected \(known)\(entries.count > 8 ? ", ..." : "")")
  }
}

extension NDArray {
  /// The array itself, or a copy where its elements are not contiguous or it does not start at a multiple of their size: files put
  /// arrays anywhere.
  func aligned() throws -> NDArray {
    let array = try packed()
    guard let base = array.bytes.baseAddress, Int(bitPattern: base) % element.byteCount != 0 else { return array }
    let copy = try NDArray(zeros: element, shape)
    withExtendedLifetime(array.storage) { copy.storage.bytes.copyMemory(from: array.bytes) }
    return copy
  }
}

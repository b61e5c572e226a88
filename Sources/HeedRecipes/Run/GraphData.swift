internal import Heed

extension GraphDataRecipe {
  /// The samples to train on, and those that are held out.
  func datasets(seed: UInt64) throws -> (training: any Dataset, heldOut: (any Dataset)?) {
    let whole = try dataset(source)
    switch heldOut {
    case nil: return (whole, nil)
    case .share(let share):
      // Neighbouring windows of a text are alike.
      let isText = if case .text = source { true } else { false }
      return try Self.split(whole, share, seed: isText ? nil : seed)
    case .file(let path):
      switch source {
      case .file: return (whole, try dataset(.file(path)))
      case .text(_, let tokenizer, let length): return (whole, try dataset(.text(path, tokenizer: tokenizer, length: length)))
      }
    }
  }

  private static func split(_ whole: some Dataset, _ share: Double, seed: UInt64?) throws -> (any Dataset, any Dataset) {
    let parts = try whole.split(heldOut: share, seed: seed)
    return (parts.training, parts.heldOut)
  }

  private func dataset(_ source: Source) throws -> any Dataset {
    switch source {
    case .text(let path, nil, let length): return try TokenWindows(ByteTokenizer().encode(file: path), length: length)
    case .text(let path, let tokenizer?, let length):
      return try TokenWindows(BytePairTokenizer(file: tokenizer).encode(file: path), length: length)
    case .file(let path) where path.hasSuffix(".safetensors"):
      let file = try SafetensorsFile(path: path)
      return try ArrayRows(arrays { column in try Self.fitting(file.array(try column.name(in: path)), column, path) })
    case .file(let path):
      let table = try path.hasSuffix(".csv") ? Table(csv: path) : Table(jsonLines: path)
      return try ArrayRows(arrays { column in try Self.fitting(table.array(for: column), column, path) })
    }
  }

  private func arrays(_ array: (Column) throws -> NDArray) throws -> [String: NDArray] {
    Dictionary(try columns.map { ($0.input, try array($0)) }, uniquingKeysWith: { first, _ in first })
  }

  /// The array of a column, which must have the rank and the constant extents of the input.
  private static func fitting(_ array: NDArray, _ column: Column, _ path: String) throws -> NDArray {
    let type = column.type
    let fits =
      array.shape.count == type.rank
      && zip(array.shape, type.shape.extents).dropFirst().allSatisfy { $1.constant == nil || $1.constant == $0 }
    guard fits, array.element == type.element else {
      throw HeedError("reading \(path): got \(array.element)\(array.shape) for the input '\(column.input)', expected \(type)")
    }
    return array
  }
}

extension GraphDataRecipe.Column {
  /// The only name.
  fileprivate func name(in path: String) throws -> String {
    guard names.count == 1, classes == nil else {
      throw HeedError("reading \(path): got \(names.count) columns for the input '\(input)', expected the name of one tensor")
    }
    return names[0]
  }
}

extension Table {
  /// The cells of a column as an input takes them: numbers, integers, classes, or lists of integers of one length.
  fileprivate func array(for column: GraphDataRecipe.Column) throws -> NDArray {
    let (type, names) = (column.type, column.names)
    if let classes = column.classes { return try labels(names[0], classes: classes).ids.converted(to: type.element) }
    if type.element.isFloat {
      let rows = try array(names, as: type.element)
      return type.rank == 1 && names.count == 1 ? try rows.reshaped([count]) : rows
    }
    guard names.count == 1 else {
      throw HeedError("reading \(path): got \(names.count) columns for the input '\(column.input)' of integers, expected one")
    }
    guard type.rank == 2 else { return try NDArray(integers(names[0]).map { Int64($0) }, [count]).converted(to: type.element) }
    let rows = try sequences(names[0])
    guard let length = rows.first?.count, rows.allSatisfy({ $0.count == length }) else {
      throw HeedError("reading \(path): column '\(names[0])': got lists of different lengths, expected one length")
    }
    return try NDArray(rows.flatMap { $0 }, [count, length]).converted(to: type.element)
  }
}

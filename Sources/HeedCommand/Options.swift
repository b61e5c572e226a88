import ArgumentParser
import Heed

/// The file of graphs that a subcommand reads, and which of them it means.
struct GraphFile: ParsableArguments {
  @ArgumentParser.Argument(help: "A file of graphs as text, or - for standard input.") var file: String
  @Option(help: "The name of the graph; needed where the file holds several and one is meant.") var graph: String?

  /// The graphs that are meant: the named one, or all.
  func graphs() throws -> [Graph] {
    let graphs = try Graph.parse(try Self.text(file), file: file == "-" ? "<stdin>" : file)
    let names = graphs.map { "@\($0.name)" }.joined(separator: ", ")
    guard let wanted = graph else {
      guard !graphs.isEmpty else { throw HeedError("\(file): got no graph, expected at least one") }
      return graphs
    }
    guard let found = graphs.first(where: { $0.name.text == wanted.drop(while: { $0 == "@" }) }) else {
      throw HeedError("\(file): got the graph name '\(wanted)', expected one of \(names.isEmpty ? "none" : names)")
    }
    return [found]
  }

  /// The one graph that is meant.
  func onlyGraph() throws -> Graph {
    let graphs = try graphs()
    guard graphs.count == 1 else {
      let names = graphs.map { "@\($0.name)" }.joined(separator: ", ")
      throw HeedError("\(file): got the \(graphs.count) graphs \(names), expected --graph to say which")
    }
    return graphs[0]
  }

  static func text(_ file: String) throws -> String {
    guard file == "-" else { return try FileBytes.readText(file) }
    guard let text = String(validating: try FileBytes.readStandardInput(), as: UTF8.self) else {
      throw HeedError("<stdin>: got bytes that are not UTF-8, expected a text")
    }
    return text
  }
}

/// What code is generated for.
struct TargetOption: ParsableArguments {
  @Option(help: "host, or one of \(Target.all.map(\.name).joined(separator: ", ")).") var target = "host"
  @Flag(help: "Let the model choose tiles, whatever heed tune stored. HEED_TUNED=off does the same.") var noTuned = false

  func value() throws -> Target { try Target.requested(target) }

  func compileOptions(threads: ThreadsOption? = nil) throws -> CompileOptions {
    var options = CompileOptions(target: try value(), threads: threads?.threads)
    if noTuned { options.tuning = .none }
    return options
  }
}

/// How many threads run.
struct ThreadsOption: ParsableArguments {
  @Option(help: "The number of threads; HEED_THREADS or all cores unless given. Results do not depend on it.") var threads: Int?
}

/// The most memory that a call takes.
struct MemoryLimitOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The most memory that a call may take, such as 2GiB, 512MB or 1000000: one that needs more fails before it starts.",
      valueName: "size"),
    transform: byteCount)
  var memoryLimit: Int?

  /// - Parameter sizes: the lengths for which values are computed again where a call of them would take more.
  func limit(sizes: [String: Int] = [:]) -> MemoryLimit? { memoryLimit.map { MemoryLimit($0, sizes: sizes) } }
}

/// The bytes that `text` means: a number and perhaps a unit. As GNU's tools have it, kB and MB are powers of 1000; KiB, MiB, K and M are
/// those of 1024.
private func byteCount(_ text: String) throws -> Int {
  let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
  var units = ["": 1, "B": 1]
  for (power, letter) in ["K", "M", "G", "T"].enumerated() {
    (units[letter], units[letter + "IB"]) = (1 << (10 * (power + 1)), 1 << (10 * (power + 1)))
    units[letter + "B"] = (0...power).reduce(1) { product, _ in 1000 * product }
  }
  if let unit = units[text.dropFirst(digits.count).uppercased()] {
    if let number = Int(digits) {
      let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
      if !overflow { return bytes }
    } else if let number = Double(digits), number * Double(unit) < 0x1p63 {
      return Int(number * Double(unit))
    }
  }
  throw ValidationError("got '\(text)', expected a number of bytes below 2^63, such as 2GiB, 512MB or 1000000")
}

/// `NAME=FILE` of an option.
struct NamedFile: ExpressibleByArgument {
  let name: String
  let path: String

  init?(argument: String) {
    guard let split = argument.firstIndex(of: "="), split != argument.startIndex, argument[split...] != "=" else { return nil }
    name = String(argument[..<split].drop { $0 == "%" })
    path = String(argument[argument.index(after: split)...])
  }
}

extension [NamedFile] {
  /// The files as what an option writes.
  func outputs(_ option: String) -> [OutputPath] { map { OutputPath("\(option) \($0.name)", $0.path) } }

  /// The arrays by name. A name that the graph lacks, or a repeated name, is an error before anything is read.
  func arrays(for graph: Graph) throws -> [(name: String, array: NDArray)] {
    let names = graph.arguments.map { graph.name($0.value).text }
    var seen: Set<String> = []
    for input in self {
      guard names.contains(input.name) else {
        throw HeedError("got an unknown input '\(input.name)', expected one of \(names.joined(separator: ", "))")
      }
      guard seen.insert(input.name).inserted else { throw HeedError("got the input '\(input.name)' twice, expected it once") }
    }
    return try map { ($0.name, try ArrayFile.read($0.path, name: $0.name)) }
  }
}

/// `S=2048` of an option.
struct SymbolValue: ExpressibleByArgument {
  let symbol: Name
  let value: Int

  init?(argument: String) {
    let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let value = Int(parts[1]), value >= 0 else { return nil }
    (symbol, self.value) = (Name(parts[0]), value)
  }
}

/// `B=1,S=2048` of an option.
struct SymbolValues: ExpressibleByArgument {
  let values: [SymbolValue]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    values = parts.compactMap { SymbolValue(argument: String($0)) }
    guard values.count == parts.count else { return nil }
  }
}

/// What an encoder's factors and states are rounded to.
struct EncoderPrecisionOption: ParsableArguments {
  @Option(help: "f32, bf16 or f16: what products take and what lies between layers. Sums, norms and softmax are f32.")
  var dtype = "f32"

  func element() throws -> ElementType {
    guard let element = ElementType(name: dtype), [.f32, .bf16, .f16].contains(element) else {
      throw HeedError("got --dtype \(dtype), expected f32, bf16 or f16")
    }
    return element
  }
}

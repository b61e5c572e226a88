internal import HeedData
internal import HeedIR
internal import HeedModels

/// Where the inputs of a graph come from: columns of a table or tensors of a file, or windows of a text.
struct GraphDataRecipe {
  enum Source {
    /// A .csv, .jsonl or .safetensors file.
    case file(String)
    /// A text, as windows of tokens.
    case text(String, tokenizer: String?, length: Int)
  }

  /// What an input takes.
  struct Column {
    var input: String
    var type: TensorType
    /// The columns of a table, side by side, or the tensor of a file.
    var names: [String]
    /// The classes of a column of labels, in their order.
    var classes: [String]?
  }

  var source: Source
  var columns: [Column]
  /// What is measured and not trained on.
  var heldOut: HeldOutPart?

  /// - Parameter graph: whose inputs the data is for.
  init(_ value: RecipeValue, _ graph: Graph, _ folder: RecipeFolder) throws {
    let fields = try RecipeFields(
      value, keys: ["file", "inputs", "text", "tokenizer", "length", "held_out"], of: "data for a graph")
    heldOut = try fields["held_out"].map { try HeldOutPart($0, folder) }
    if let text = fields["text"] {
      try fields.exclude(["file", "inputs"], with: "a text")
      let tokenizer = try fields["tokenizer"]?.text("bytes, or a tokenizer.json")
      source = .text(
        folder.path(try text.text("a file")), tokenizer: tokenizer == "bytes" ? nil : tokenizer.map { folder.path($0) },
        length: try fields.required("length", "the tokens of a window").integer())
      columns = []
      return
    }
    try fields.exclude(["tokenizer", "length"], with: "a table")
    let file = try fields.required("file", "a .csv, .jsonl or .safetensors file, or text")
    let path = folder.path(try file.text("a file"))
    guard ["csv", "jsonl", "safetensors"].contains(where: { path.hasSuffix("." + $0) }) else {
      throw file.error("got \(file.shown), expected a .csv, .jsonl or .safetensors file")
    }
    source = .file(path)
    columns = try Self.columns(fields["inputs"], graph)
  }

  /// The columns of each input; an input that the recipe does not name has the column of its own name. The trainer gives `seed`.
  private static func columns(_ value: RecipeValue?, _ graph: Graph) throws -> [Column] {
    let inputs = graph.arguments.filter { $0.role == .input }.map { (name: graph.name($0.value).text, type: graph.type($0.value)) }
    var named: [String: Column] = [:]
    for (key, value) in try value?.members("inputs of the graph with their columns") ?? [] {
      let name = try key.text()
      guard let input = inputs.first(where: { $0.name == name }) else {
        throw key.error(
          "got the input \(JSON.shown(name)), expected one of @\(graph.name): \(inputs.map(\.name).joined(separator: ", "))")
      }
      named[name] = try column(value, name, input.type)
    }
    return inputs.compactMap { input in
      if let column = named[input.name] { return column }
      let isSeed = input.name == "seed" && input.type.rank == 0
      return isSeed ? nil : Column(input: input.name, type: input.type, names: [input.name])
    }
  }

  private static func column(_ value: RecipeValue, _ name: String, _ type: TensorType) throws -> Column {
    guard value.isMapping else {
      return Column(input: name, type: type, names: try value.list().map { try $0.text("a column") })
    }
    let fields = try RecipeFields(value, keys: ["column", "classes"], of: "an input")
    let classes = try fields.required("classes", "the classes of the column").list().map { try $0.text("a class") }
    return Column(
      input: name, type: type, names: [try fields.required("column", "a column").text("a column")], classes: classes)
  }
}

internal import HeedDSL
internal import HeedData
internal import HeedIR
internal import HeedModels
internal import HeedSystem

/// What a recipe says of a graph that is trained.
struct GraphRecipe {
  static let keys = ["graph", "data", "loss", "parameters", "initializers"]

  /// The graph, as it is in its file.
  var graph: Graph
  /// All graphs of the file.
  var graphs: [Graph]
  /// The result that is the loss; nil where the graph returns one number alone, or one called loss.
  var loss: String?
  /// A file of the weights before training.
  var parameters: String?
  /// What other weights are before training, by patterns of names; of those that fit, the last counts.
  var initializers: [(pattern: NamePattern, initializer: Initializer)] = []
  var data: GraphDataRecipe

  /// Whether the graph is a step already, which replaces its states itself.
  var isStep: Bool { !graph.updates.isEmpty }

  init(_ fields: RecipeFields, _ folder: RecipeFolder) throws {
    let source = try fields.required("graph", "a file of graphs")
    var (file, name) = (source, RecipeValue?.none)
    if source.isMapping {
      let parts = try RecipeFields(source, keys: ["file", "name"], of: "a graph")
      (file, name) = (try parts.required("file", "a file of graphs"), parts["name"])
    }
    let path = folder.path(try file.text("a file of graphs"))
    graphs = try Graph.parse(FileBytes.readText(path), file: path)
    graph = try Self.chosen(name, among: graphs, file)
    if let value = fields["loss"] {
      let (title, names) = (try value.text("the name of a result"), graph.resultNames.prefix(graph.returnedCount).map(\.text))
      guard names.contains(title) else {
        throw value.error("got the result \(JSON.shown(title)), expected one of \(names.joined(separator: ", "))")
      }
      loss = title
    }
    parameters = try fields["parameters"].map { folder.path(try $0.text("a .safetensors file")) }
    if let value = fields["initializers"] {
      initializers = try value.members("patterns of names with initializers").map { key, value in
        let text = try value.text("an initializer")
        return (NamePattern(try key.text()), try value.located { try Initializer(parsing: text) })
      }
    }
    data = try GraphDataRecipe(fields.required("data", "the columns of the graph's inputs"), graph, folder)
  }

  private static func chosen(_ name: RecipeValue?, among graphs: [Graph], _ file: RecipeValue) throws -> Graph {
    let names = graphs.map { "@\($0.name)" }.joined(separator: ", ")
    guard let name else {
      guard graphs.count == 1 else {
        throw file.error("got \(graphs.count) graphs (\(names)), expected one, or the keys file and name")
      }
      return graphs[0]
    }
    let wanted = try name.text("the name of a graph").drop { $0 == "@" }
    guard let graph = graphs.first(where: { $0.name.text == wanted }) else {
      throw name.error("got the graph \(JSON.shown(String(wanted))), expected one of \(names)")
    }
    return graph
  }

  /// The number of the result that is the loss.
  /// - Throws: where it is not clear which is meant.
  func lossPosition() throws -> Int {
    let names = graph.resultNames.prefix(graph.returnedCount).map(\.text)
    if let position = names.firstIndex(of: loss ?? "loss") { return position }
    guard names.count == 1 else {
      throw HeedError(
        "got the results \(names.joined(separator: ", ")) of @\(graph.name), expected the key loss to say which is the loss")
    }
    return 0
  }
}

/// Tables of the models.
package enum ModelTable {
  /// The page docs/models.md.
  /// - Throws: where a model has a mistake.
  package static func page() throws -> String {
    var page = heading
    for example in Example.all {
      let fusion = try Fusion(example.graph)
      let link = "[\(example.title)](../examples/models/\(example.file))"
      let said = fusion.declined.map { $0.replacing("|", with: "\\|") }.joined(separator: "<br>")
      page += "| \(link) | \(example.lineCount ?? 0) | \(fusion.attention) | \(fusion.softmaxes) | \(fusion.products) | \(said) |\n"
    }
    return page
  }

  private static let heading = """
    # Models

    Models of papers as a user of Heed writes them, at most 40 lines each, in examples/models. Plain loops beside each compute what it must
    return. `make models` compiles and runs them all, and prints this table with the greatest error of each. ModelExamplesTests makes this
    page (`BLESS=1 make test FILTER=ModelExamplesTests`).

    *Fused* counts the ops that stand for attention in the optimised graph: `attention`, `linear_attention`, and what reduces or sorts
    attention's scores. *Softmaxes* and *products* are those that are left beside them; a product with a weight does not count. The last
    column is what the compiler says of what it did not fuse. Attention over edges and a mixture of experts have no pairs of queries and
    keys: they run as operations on segments, and the softmax that is left is the router's.

    | model | lines | fused | softmaxes | products | declined |
    |---|---|---|---|---|---|

    """
}

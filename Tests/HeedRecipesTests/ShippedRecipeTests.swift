import Foundation
import Heed
import HeedRecipes
import Testing

/// The recipes of examples/recipes, and the pairs that come with them.
@Suite struct ShippedRecipeTests {
  private static let folder =
    (0..<3).reduce(URL(fileURLWithPath: #filePath)) { folder, _ in folder.deletingLastPathComponent() }.path
    + "/examples/recipes/sailing/"

  @Test(arguments: ["fine-tuning", "lora"])
  func recipesAreRead(_ name: String) throws {
    let recipe = try Recipe(contentsOf: Self.folder + name + ".yaml")
    #expect(recipe.seed == 1 && recipe.runFolder == recipe.output + ".run")
  }

  @Test func noSentenceStandsInTwoPlaces() throws {
    var counts: [String: Int] = [:]
    var sentences: [String] = []
    for part in ["training", "validation", "held-out"] {
      let table = try Table(jsonLines: Self.folder + part + ".jsonl")
      #expect(table.columns == ["plain", "nautical"])
      counts[part] = table.count
      sentences += try table.texts("plain") + table.texts("nautical")
    }
    #expect(Set(sentences).count == sentences.count)
    #expect(counts["training"]! >= 200 && counts["held-out"]! >= 60, "\(counts)")
  }
}

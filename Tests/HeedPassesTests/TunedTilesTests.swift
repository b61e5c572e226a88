import HeedIR
import HeedSchedule
import HeedPasses
import Testing

/// `choose-tiles` with tiles that were measured.
@Suite struct TunedTilesTests {
  private func outcome(_ tiles: TunedTiles = TunedTiles(), rows: String = "S") throws -> PassPipeline.Outcome {
    let text = """
      graph @g(%x: f32[\(rows), 64], parameter %w: f32[64, 96], parameter %b: f32[96]) {
        %y = contract %x, %w {subscripts = "mk,kn->mn"} : f32[\(rows), 96]
        %bias = broadcast %b {dims = [1]} : f32[\(rows), 96]
        %z = add %y, %bias : f32[\(rows), 96]
        return %z
      }
      """
    return try PassPipeline().run(Graph.parse(text)[0], target: .x86AVX512, tunedTiles: tiles)
  }

  @Test func comeBeforeTheModels() throws {
    let choice = try #require(outcome().tileChoices.first)
    #expect(choice.tile == choice.model && choice.label.hasPrefix("%"))
    let tile = TileSize(rows: choice.model.rows + 8, columns: 48)
    let tuned = try outcome(TunedTiles([choice.key: .init(tile: tile, model: choice.model, gain: 1.13)]))
    #expect(tuned.tileChoices.map(\.tile) == [tile] && tuned.tileChoices[0].model == choice.model)
    #expect(tuned.graph.ir.text.contains("tile = [\(tile.rows), \(tile.columns)]"))
    let remark = try #require(tuned.remarks.first { $0.pass == "choose-tiles" })
    #expect(remark.description.contains("heed tune measured them 13 % faster than the model's \(choice.model)"))
  }

  @Test func goWithTheModelThatTheyWereComparedWith() throws {
    let choice = try #require(outcome().tileChoices.first)
    let other = TileSize(rows: choice.model.rows + 8, columns: choice.model.columns)
    let stale = try outcome(TunedTiles([choice.key: .init(tile: other, model: other, gain: 2)]))
    #expect(stale.tileChoices.map(\.tile) == [choice.model])
  }

  @Test func keysHaveClassesOfShapes() throws {
    func key(_ rows: String) throws -> String { try #require(outcome(rows: rows).tileChoices.first).key }
    let keys = try ["S", "T", "300", "500", "600"].map(key)
    #expect(keys[0] == keys[1] && keys[2] == keys[3])
    #expect(keys[2] != keys[4] && keys[2] != keys[0])
  }
}

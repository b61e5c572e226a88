import Foundation
import Heed
import HeedTestSupport
import Testing

/// A case of ONNX's own test suite: one operator, its attributes, inputs and what they must give. See Tests/Resources/ONNX.
struct ONNXCase: Sendable, CustomTestStringConvertible {
  let name: String
  let operatorName: String
  let attributes: JSON
  /// The arrays by the schema's names.
  let inputs: [(name: String, array: NDArray)]
  let outputs: [(name: String, array: NDArray)]
  let relativeTolerance: Double
  let absoluteTolerance: Double

  var testDescription: String { name }

  static let all: [ONNXCase] = {
    do { return try load() } catch { fatalError("\(error)") }
  }()

  private static func load() throws -> [ONNXCase] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let folder = tests.path + "/Resources/ONNX/"
    let arrays = try SafetensorsFile(path: folder + "cases.safetensors")
    return try FileBytes.read(folder + "cases.jsonl").split(separator: UInt8(ascii: "\n")).map { line in
      let entry = try JSON(parsing: line)
      let name = try #require(entry["name"]?.string)
      func named(_ role: String) throws -> [(name: String, array: NDArray)] {
        try #require(entry[role + "s"]?.array).map { formal in
          let formal = try #require(formal.string)
          return (formal, try arrays.array("\(name)/\(role)/\(formal)"))
        }
      }
      return ONNXCase(
        name: name, operatorName: try #require(entry["operator"]?.string), attributes: try #require(entry["attributes"]),
        inputs: try named("input"), outputs: try named("output"), relativeTolerance: entry["rtol"]?.double ?? 1e-3,
        absoluteTolerance: entry["atol"]?.double ?? 1e-7)
    }
  }

  func input(_ name: String) -> NDArray? { inputs.first { $0.name == name }?.array }

  // MARK: The graph

  /// The case as a graph whose lengths are symbols: B sequences of M queries and N keys after P past ones, S rows, T positions.
  func graph() throws -> Graph {
    try Graph(building: name) { g in
      var tensors: [String: Tensor] = [:]
      for (name, array) in inputs { tensors[name] = g.input(name, array.element, try shape(name, array.shape)) }
      let results =
        switch operatorName {
        case "Attention": try attention(tensors)
        case "RotaryEmbedding": try rotaryEmbedding(tensors)
        default: try flexAttention(tensors)
        }
      return try outputs.map { try #require(results[$0.name]) }
    }
  }

  /// What the dimensions of an input are called; those that are nil are constants.
  private func symbols(_ name: String, rank: Int) throws -> [Extent?] {
    switch (name, rank) {
    case ("Q", 4): ["B", nil, "M", nil]
    case ("K", 4), ("V", 4): ["B", nil, "N", nil]
    case ("past_key", 4), ("past_value", 4): ["B", nil, "P", nil]
    case ("Q", 3): ["B", "M", nil]
    case ("K", 3), ("V", 3): ["B", "N", nil]
    case ("nonpad_kv_seqlen", 1): ["B"]
    case ("X", 4): ["B", nil, "S", nil]
    case ("X", 3), ("cos_cache", 3), ("sin_cache", 3): ["B", "S", nil]
    case ("cos_cache", 2), ("sin_cache", 2): ["T", nil]
    case ("position_ids", 2): ["B", "S"]
    default: throw HeedError("got an input \(name) of rank \(rank)")
    }
  }

  private func shape(_ name: String, _ extents: [Int]) throws -> Shape {
    guard name != "attn_mask" else { return try maskShape(extents) }
    return Shape(zip(try symbols(name, rank: extents.count), extents).map { $0 ?? Extent($1) })
  }

  private func maskShape(_ extents: [Int]) throws -> Shape {
    let (query, key) = (try #require(input("Q")).shape, try #require(input("K")).shape)
    let past = input("past_key")?.shape[2] ?? 0
    // A mask with fewer columns than there are keys has a number of its own.
    let columns: Extent = extents.last == key[key.count - 2] + past ? (past > 0 ? "P + N" : "N") : "L"
    let symbols: [Extent?] = ["B", nil, query[query.count - 2] == 1 ? nil : "M", columns]
    return Shape(zip(symbols.suffix(extents.count), extents).map { symbol, extent in extent == 1 ? 1 : symbol ?? Extent(extent) })
  }

  // MARK: The operators

  private func elementType(_ attribute: String) throws -> ElementType? {
    guard let number = attributes[attribute]?.integer else { return nil }
    guard let type = ElementType(onnx: number) else { throw HeedError("got the type \(number) of ONNX") }
    return type
  }

  private func attention(_ tensors: [String: Tensor]) throws -> [String: Tensor] {
    let mode = ONNX.Attention.ScoreStage(rawValue: attributes["qk_matmul_output_mode"]?.integer ?? 0)
    let attention = ONNX.Attention(
      isCausal: attributes["is_causal"]?.integer == 1, scale: attributes["scale"]?.double,
      softcap: attributes["softcap"]?.double ?? 0, softmaxPrecision: try elementType("softmax_precision"),
      queryHeadCount: attributes["q_num_heads"]?.integer, keyValueHeadCount: attributes["kv_num_heads"]?.integer,
      leftWindowSize: attributes["left_window_size"]?.integer ?? -1,
      rightWindowSize: attributes["right_window_size"]?.integer ?? -1, qkMatmulOutputMode: try #require(mode))
    let past = tensors["past_key"].flatMap { key in tensors["past_value"].map { (key: key, value: $0) } }
    let results = attention(
      tensors["Q"]!, tensors["K"]!, tensors["V"]!, mask: tensors["attn_mask"], past: past,
      nonpadKeyValueLengths: tensors["nonpad_kv_seqlen"])
    return [
      "Y": results.output, "present_key": results.presentKey, "present_value": results.presentValue,
      "qk_matmul_output": results.qkMatmulOutput,
    ]
  }

  private func rotaryEmbedding(_ tensors: [String: Tensor]) throws -> [String: Tensor] {
    let rotary = ONNX.RotaryEmbedding(
      isInterleaved: attributes["interleaved"]?.integer == 1,
      rotaryEmbeddingSize: attributes["rotary_embedding_dim"]?.integer ?? 0, headCount: attributes["num_heads"]?.integer)
    return [
      "Y": rotary(
        tensors["X"]!, cosines: tensors["cos_cache"]!, sines: tensors["sin_cache"]!, positionIDs: tensors["position_ids"])
    ]
  }

  private func flexAttention(_ tensors: [String: Tensor]) throws -> [String: Tensor] {
    let flex = ONNX.FlexAttention(
      scale: attributes["scale"]?.double, softmaxPrecision: try elementType("softmax_precision"))
    let (scoreMod, probMod) = (try modifier("score_mod"), try modifier("prob_mod"))
    return ["Y": flex(tensors["Q"]!, tensors["K"]!, tensors["V"]!, scoreMod: scoreMod, probMod: probMod)]
  }

  private func modifier(_ attribute: String) throws -> ONNX.FlexAttention.Modifier? {
    guard let text = attributes[attribute]?.string else { return nil }
    let function = try ONNXFunction(parsing: text)
    return { tensor in
      do { return try function(tensor) } catch {
        Issue.record("\(name) \(attribute): \(error)")
        return tensor
      }
    }
  }
}

extension ElementType {
  /// The type that ONNX numbers so.
  init?(onnx number: Int) {
    switch number {
    case 1: self = .f32
    case 7: self = .i64
    case 10: self = .f16
    case 11: self = .f64
    case 16: self = .bf16
    default: return nil
    }
  }
}

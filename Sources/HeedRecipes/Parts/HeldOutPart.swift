internal import HeedIR

/// Data that a run does not train on: a file, or a share of the file that it trains on.
enum HeldOutPart {
  case file(String)
  case share(Double)

  init(_ value: RecipeValue, _ folder: RecipeFolder) throws {
    let text = try value.text("a file, or a share between 0 and 1")
    guard Double(text) != nil else {
      self = .file(folder.path(text))
      return
    }
    self = .share(try value.number(Double.leastNonzeroMagnitude..<1, "a share between 0 and 1"))
  }
}

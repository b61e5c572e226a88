import Foundation
import Heed

extension Example {
  static let composition = Example(
    name: "composition",
    idea: "Whether known parts are understood in new combinations depends on what the training set shows.",
    claims: [
      Claim(
        "chain", "A > B > ... > H, trained on neighbours only: pairs further apart, without the ends", .atLeast(0.9),
        exception: "embeddings that begin far apart are learned pair by pair"),
      Claim("chain, small", "the same where embeddings begin small", .atLeast(0.9)),
      Claim("linked", "two lists trained first, then D > E alone: the other pairs across the lists", .atMost(0.75)),
      Claim(
        "rehearsed", "the same where the old pairs go on being shown beside D > E", .atLeast(0.9),
        exception: "D > E is learned, and the lists are not joined"),
      Claim("random", "commands held out at random: all actions right", .atLeast(0.95)),
      Claim("alone", "commands with jump, where training has it alone: all actions right", .atMost(0.2)),
      Claim(
        "composed", "the same where training has it in 32 of 128 other commands too", .atLeast(0.9),
        exception: "two seeds of five fall short, each with other commands shown"),
      Claim("longer", "commands of 5 and 6 actions, where training has up to 4: all actions right", .atMost(0.2)),
    ],
    graph: itemComparison, run: measure)
}

private func measure(_ laboratory: Laboratory) throws {
  try measureTransitivity(laboratory)
  try measureCommandActions(laboratory)
}

extension Graph {
  /// Checks the extents that a call gives to the graph's values.
  ///
  /// What runs finds a wrong one where it matters to it: that depends on the passes. This is the first of the graph as it is written.
  /// - Parameter binding: the values of the symbols.
  /// - Throws: where an extent is negative, a slice is not inside its operand, or there are too few elements to pick from; the error names
  ///   the value as the user knows it.
  package func verifyLengths(_ binding: [Name: Int]) throws {
    func value(_ extent: Extent) throws -> Int { try extent.evaluate { binding[$0] } }
    for node in body {
      let results = results(node)
      do {
        if op(node) == .slice { try verifyRanges(node, value) }
        for extent in results.flatMap({ type($0).shape.extents }) where extent.constant == nil {
          let count = try value(extent)
          guard count >= 0 else { throw HeedError("got the extent \(extent) = \(count), expected at least 0") }
        }
        if let body = bodyGraph(node) { try body.verifyLengths(binding) }
        if op(node) == .pad { try verifyPadding(node, value) }
        if op(node) == .topK { try verifyCount(node, value) }
      } catch let error as HeedError {
        throw results.first.map { error.during(label($0)) } ?? error
      }
    }
  }

  private func verifyRanges(_ slice: NodeID, _ value: (Extent) throws -> Int) throws {
    let ranges = zip(attributes(slice).required(.start), attributes(slice).required(.stop))
    for (extent, range) in zip(type(operands(slice).first!).shape.extents, ranges) {
      let (start, stop, count) = (try value(range.0), try value(range.1), try value(extent))
      guard 0 <= start, start <= stop, stop <= count else {
        throw HeedError("got the range \(start) ..< \(stop), expected one inside 0 ..< \(count)")
      }
    }
  }

  private func verifyPadding(_ pad: NodeID, _ value: (Extent) throws -> Int) throws {
    for extent in attributes(pad).required(.low) + attributes(pad).required(.high) {
      let count = try value(extent)
      guard count >= 0 else { throw HeedError("got the padding \(extent) = \(count), expected at least 0") }
    }
  }

  private func verifyCount(_ topK: NodeID, _ value: (Extent) throws -> Int) throws {
    let (count, extent) = (attributes(topK).required(.count), try value(type(operands(topK).first!).shape.extents.last!))
    guard count <= extent else {
      throw HeedError("got \(extent) elements in the last dimension, expected at least \(count)")
    }
  }
}

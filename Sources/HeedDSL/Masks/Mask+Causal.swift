import HeedIR

/// The positions of queries among the keys, where their numbers differ.
public enum Alignment {
  /// Query i is at key i.
  case topLeft
  /// The last query is at the last key.
  case bottomRight
  /// Query i is at key `past[b] + i`, as with a cache of keys: the number of keys before the first query, integers `[batch]`.
  case past(Tensor)
}

extension Mask {
  /// Keys no later than the query.
  ///
  /// - Parameter alignment: needed where queries and keys differ in number.
  public static func causal(_ alignment: Alignment? = nil) -> Mask {
    Mask { pair in
      let pair = pair.aligned(alignment, "causal")
      return pair.key <= pair.query
    }
  }

  /// This mask with the queries at other positions among the keys.
  public func aligned(_ alignment: Alignment) -> Mask { Mask { self($0.aligned(alignment, "aligned")) } }
}

extension Pairs {
  /// The pairs with the positions of queries counted as those of keys. Without an alignment their numbers must be equal, or these pairs so
  /// counted.
  func aligned(_ alignment: Alignment?, _ mask: String) -> Pairs {
    switch alignment {
    case .topLeft: return self
    case .bottomRight: return at(query: query + builder.size(keyCount - queryCount), key: key)
    case .past(let lengths): return at(query: query + perBatch(lengths), key: key)
    case nil:
      if !isAligned, !builder.areEqual(queryCount, keyCount) {
        builder.fail(
          "\(mask): got \(queryCount) queries and \(keyCount) keys, expected an alignment: .topLeft, .bottomRight or .past(lengths)",
          nil)
      }
      return self
    }
  }
}

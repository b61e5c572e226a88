import HeedIR

/// At which positions queries stand among the keys, where there are not as many of the ones as of the others.
public enum Alignment {
  /// Query i stands at key i: the first at the first.
  case topLeft
  /// The last query stands at the last key.
  case bottomRight
  /// Query i stands at key `past[b] + i`: numbers of keys before the first query, integers `[batch]`, as with a cache of keys.
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
  /// The pairs with the positions of queries counted as those of keys. Without an alignment their numbers must be equal.
  func aligned(_ alignment: Alignment?, _ mask: String) -> Pairs {
    switch alignment {
    case .topLeft: return self
    case .bottomRight: return at(query: query + builder.size(keyCount - queryCount), key: key)
    case .past(let lengths): return at(query: query + perBatch(lengths), key: key)
    case nil:
      if !builder.areEqual(queryCount, keyCount) {
        builder.fail(
          "\(mask): got \(queryCount) queries and \(keyCount) keys, expected an alignment: .topLeft, .bottomRight or .past(lengths)",
          nil)
      }
      return self
    }
  }
}

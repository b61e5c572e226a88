import HeedIR

extension Mask {
  /// Pairs in one document, of documents that follow each other in the rows, each under a mask of positions in its document.
  ///
  /// Without a mask the compiler computes each document on its own. A mask of differences of positions alone (causal, windows) is
  /// the same inside and outside, and cheaper outside: `.documents(offsets) & .causal()`.
  /// Source: attention-gym, `document_mask`.
  ///
  /// - Parameter offsets: integers `[documents + 1]` that rise from 0 to the number of rows.
  public static func documents(_ offsets: Tensor, _ mask: Mask? = nil) -> Mask {
    Mask { pair in
      let ids = pair.builder.segmentIDs(offsets, count: pair.queryCount)
      let isSame = pair.element(of: ids, at: pair.query) == pair.element(of: ids, at: pair.key)
      guard let mask else { return isSame }
      let starts = offsets.gather(ids)
      func inDocument(_ position: Tensor) -> Tensor { position - pair.element(of: starts, at: position) }
      return isSame & mask(pair.at(query: inDocument(pair.query), key: inDocument(pair.key)))
    }
  }

  /// Pairs whose query and key have the same number: documents in any order, colours.
  ///
  /// - Parameter ids: integers `[length]` or `[batch, length]`, of queries and keys; `keys`, where given, replaces those of the
  ///   keys.
  public static func documents(ids: Tensor, keys: Tensor? = nil) -> Mask {
    Mask { $0.element(of: ids, at: $0.query) == $0.element(of: keys ?? ids, at: $0.key) }
  }

  /// Documents that follow each other in the rows, each causal. The keys of a query are consecutive: from its document's start to
  /// itself.
  ///
  /// Source: attention-gym, `generate_packed_causal_doc_mask_mod`.
  ///
  /// - Parameter offsets: integers `[documents + 1]` that rise from 0 to the number of rows.
  public static func packedCausalDocuments(_ offsets: Tensor) -> Mask {
    Mask { pair in
      let starts = offsets.gather(pair.builder.segmentIDs(offsets, count: pair.queryCount))
      return (pair.key >= pair.element(of: starts, at: pair.query)) & (pair.key <= pair.query)
    }
  }

  /// Sequences of queries and of keys, of different lengths, that follow each other: sequence n of queries sees sequence n of keys.
  ///
  /// Source: the nested (jagged) tensors of PyTorch.
  ///
  /// - Parameters:
  ///   - queryOffsets: integers `[sequences + 1]` that rise from 0 to the number of queries.
  ///   - keyOffsets: integers `[sequences + 1]` that rise from 0 to the number of keys.
  public static func nested(queryOffsets: Tensor, keyOffsets: Tensor) -> Mask {
    Mask { pair in
      let queries = pair.builder.segmentIDs(queryOffsets, count: pair.queryCount)
      let keys = pair.builder.segmentIDs(keyOffsets, count: pair.keyCount)
      return pair.element(of: queries, at: pair.query) == pair.element(of: keys, at: pair.key)
    }
  }

  /// Causal documents that continue others: each also sees the whole of the document that it continues.
  ///
  /// Source: attention-gym, `shared_prefix`.
  ///
  /// - Parameters:
  ///   - offsets: integers `[documents + 1]` that rise from 0 to the number of rows.
  ///   - prefixes: for each document the number of the one that it continues, or its own where it continues none: integers
  ///     `[documents]`.
  public static func sharedPrefix(_ offsets: Tensor, prefixes: Tensor) -> Mask {
    packedCausalDocuments(offsets)
      | Mask { pair in
        let documents = pair.builder.segmentIDs(offsets, count: pair.queryCount)
        let prefix = prefixes.gather(documents)
        func ofQuery(_ table: Tensor) -> Tensor { pair.element(of: table, at: pair.query) }
        return ofQuery(prefix != documents) & (pair.key >= ofQuery(offsets.gather(prefix)))
          & (pair.key < ofQuery(offsets.gather(prefix + 1)))
      }
  }
}

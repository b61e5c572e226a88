/// Batches one after another. While one is used, the next is prepared by another thread; never more than one.
///
/// A loop that ends early, or whose task is cancelled, cancels what is being prepared. In a cancelled task, `next` throws
/// `CancellationError`.
public struct BatchStream<Source: Dataset>: AsyncSequence, Sendable {
  /// A batch.
  public typealias Element = Batch

  private let batches: Batches<Source>
  private let start: DataPosition
  private let epochs: Int?

  init(_ batches: Batches<Source>, _ start: DataPosition, _ epochs: Int?) {
    (self.batches, self.start, self.epochs) = (batches, batches.started(start), epochs)
  }

  /// Begins at the stream's first batch.
  public func makeAsyncIterator() -> Iterator { Iterator(batches, start, epochs) }

  /// The place of a loop in the stream.
  public struct Iterator: AsyncIteratorProtocol {
    private let batches: Batches<Source>
    private let epochs: Int?
    private var position: DataPosition
    private var ahead: Preparation?

    init(_ batches: Batches<Source>, _ start: DataPosition, _ epochs: Int?) {
      (self.batches, self.position, self.epochs) = (batches, start, epochs)
    }

    /// The next batch; nil after the last epoch.
    /// - Throws: `HeedError` as `Batches.batch(at:)` does, `CancellationError` in a cancelled task.
    public mutating func next() async throws -> Batch? {
      try Task.checkCancellation()
      guard let preparation = ahead ?? prepare() else { return nil }
      ahead = nil
      let batch = try await withTaskCancellationHandler {
        try await preparation.task.value
      } onCancel: {
        preparation.task.cancel()
      }
      position = batch.next
      ahead = prepare()
      return batch
    }

    private func prepare() -> Preparation? {
      guard position.epoch < epochs ?? .max else { return nil }
      return Preparation { [batches, position] in try batches.batch(at: position) }
    }
  }

  /// A batch that is being prepared; cancelled when no one waits for it any more.
  private final class Preparation: Sendable {
    let task: Task<Batch, any Error>

    init(_ make: @escaping @Sendable () throws -> Batch) {
      task = Task.detached {
        try Task.checkCancellation()
        return try make()
      }
    }

    deinit { task.cancel() }
  }
}

extension Batches {
  /// The batches from `position` on, the next one prepared in the background.
  /// - Parameter epochs: the epoch before which the stream ends, counted from the start of the run; where nil, it does not end.
  public func stream(from position: DataPosition = .start, epochs: Int? = nil) -> BatchStream<Source> {
    BatchStream(self, position, epochs)
  }
}

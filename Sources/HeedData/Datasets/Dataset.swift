public import HeedArrays

/// Samples by position, 0 ..< `count`, and batches of them as a compiled graph's call takes them.
///
/// A dataset is a value that does not change, so batches of it are a function of positions alone. That lets a training run stop and
/// go on with the same batches.
public protocol Dataset: Sendable {
  /// The number of samples.
  var count: Int { get }

  /// The tokens of a sample, which a batch's budget counts; 0 where samples have none.
  func tokenCount(of sample: Int) -> Int

  /// The arrays of these samples, in this order, by name. A number that is not inside 0 ..< `count` stops the program.
  /// - Throws: `HeedError` where they do not fit the memory.
  func batch(_ samples: [Int]) throws -> [String: NDArray]
}

extension Dataset {
  /// 0: samples that have no tokens.
  public func tokenCount(of sample: Int) -> Int { 0 }

  /// Stops the program where a number is not that of a sample.
  func check(_ samples: [Int]) {
    for sample in samples {
      precondition(0..<count ~= sample, "\(Self.self): got the sample \(sample), expected one inside 0 ..< \(count)")
    }
  }
}

public import HeedArrays
internal import HeedIR

/// Windows of a fixed number of tokens from one long text, for language models: `ids` and `targets`, both `i32[B, T]`. The target of a
/// token is the token that follows it.
public struct TokenWindows: Dataset {
  /// Tokens of a window, T.
  public let length: Int
  /// Tokens from the start of a window to that of the next.
  public let stride: Int
  /// The number of windows. Tokens at the end that fill no window are left out.
  public let count: Int
  private let tokens: NDArray

  /// Windows of a text.
  /// - Parameters:
  ///   - tokens: the ids of the text, `i32[N]`. Those of a safetensors file stay in the file until they are used.
  ///   - length: tokens of a window.
  ///   - stride: tokens from one window to the next; `length` where nil.
  /// - Throws: `HeedError` where the array is not `i32[N]`, or the text has no window with a target for each token.
  public init(_ tokens: NDArray, length: Int, stride: Int? = nil) throws {
    guard tokens.element == .i32, tokens.shape.count == 1 else {
      throw HeedError("got tokens \(tokens.element)\(tokens.shape), expected i32[N]")
    }
    let stride = stride ?? length
    guard length >= 1, stride >= 1 else {
      throw HeedError("got windows of \(length) tokens every \(stride) tokens, expected at least 1 of both")
    }
    guard tokens.count > length else {
      throw HeedError("got \(tokens.count) tokens, expected more than the \(length) of a window")
    }
    (self.tokens, self.length, self.stride) = (tokens.contiguous(), length, stride)
    count = (tokens.count - 1 - length) / stride + 1
  }

  /// Windows of a text whose tokens are in memory.
  /// - Throws: `HeedError` as for an array.
  public init(_ tokens: [Int32], length: Int, stride: Int? = nil) throws {
    try self.init(NDArray(tokens, [tokens.count]), length: length, stride: stride)
  }

  /// `length`, as every window has.
  public func tokenCount(of sample: Int) -> Int { length }

  /// `ids` and `targets`, `i32[B, T]`, of these windows.
  /// - Throws: `HeedError` where they do not fit the memory.
  public func batch(_ samples: [Int]) throws -> [String: NDArray] {
    check(samples)
    return ["ids": try rows(samples, from: 0), "targets": try rows(samples, from: 1)]
  }

  private func rows(_ samples: [Int], from offset: Int) throws -> NDArray {
    let result = try NDArray(zeros: .i32, [samples.count, length])
    let width = length * 4
    withExtendedLifetime((result.storage, tokens.storage)) {
      let (target, source) = (result.mutableBytes, tokens.bytes)
      for (row, sample) in samples.enumerated() {
        let start = (sample * stride + offset) * 4
        UnsafeMutableRawBufferPointer(rebasing: target[row * width..<(row + 1) * width])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start..<start + width]))
      }
    }
    return result
  }
}

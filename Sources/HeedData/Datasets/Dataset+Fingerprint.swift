internal import HeedSystem

extension Dataset {
  /// What tells this dataset from others: 16 digits that follow from the number of samples and their arrays, the same on every machine.
  ///
  /// At most about 64 MiB of arrays are read. Of a larger dataset these are blocks of samples at equal distances, the first and the last
  /// among them: a change between them goes unseen.
  /// - Throws: `HeedError` as `batch(_:)` does.
  public func fingerprint() throws -> String {
    var checksum = Checksum()
    checksum.add("\(count)")
    guard count > 0 else { return checksum.text }
    let sampleByteCount = max(1, try batch([0]).values.reduce(0) { $0 + $1.byteCount })
    let blockSize = min(max((1 << 20) / sampleByteCount, 1), 64)
    let limit = max(1, min((1 << 26) / (sampleByteCount * blockSize), 1 << 14))
    let blockCount = (count + blockSize - 1) / blockSize
    let distance = (blockCount + limit - 1) / limit
    for block in Array(stride(from: 0, to: blockCount - 1, by: distance)) + [blockCount - 1] {
      let samples = Array(block * blockSize..<min(count, (block + 1) * blockSize))
      for (name, array) in try batch(samples).sorted(by: { $0.key < $1.key }) {
        checksum.add("\(name) \(array.element)\(array.shape)")
        let whole = array.contiguous()
        withExtendedLifetime(whole.storage) { checksum.add(whole.bytes) }
      }
    }
    return checksum.text
  }
}

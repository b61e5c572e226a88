internal import HeedIR

/// Products of bf16 whose right operand is in row-major order. Two rows at a time are interleaved in registers, so that one
/// instruction multiplies pairs. Without packing this pays where the right operand is read once or a few times.
extension PhaseEmitter {
  /// A tile's sums with all products along the last contracted dimension.
  func emitRowPairs(
    _ product: MatrixProduct, _ left: [OperandStart], _ right: OperandStart, _ block: ColumnBlock, _ extent: LinearIndex,
    _ leftOffset: LinearIndex, _ rightOffset: LinearIndex, _ sums: [LLVMValue]
  ) throws -> [LLVMValue] {
    let distance = product.rightStrides.last!
    let ahead = try ahead(product, right)
    func round(_ position: LinearIndex, isPair: Bool, _ sums: [LLVMValue]) -> [LLVMValue] {
      let first = emitter.add(rightOffset, emitter.multiply(position, by: distance))
      let second = isPair ? emitter.add(first, distance) : nil
      if let ahead {
        for row in [first, second].compactMap({ $0 }) {
          for vector in Swift.stride(from: 0, to: block.masks.count, by: 2) {
            prefetch(ahead.start, emitter.add(row, ahead.distance), vector * block.lanes)
          }
        }
      }
      return addProducts(sums, interleaved(right, first, second, block), left.count, multiplyPairs) { row in
        let pointer = left[row].address(emitter.add(leftOffset, position), 0, self)
        let type = isPair ? emitter.int32 : emitter.memoryType(.bf16, 1)
        let raw = builder.load(type, pointer, alignment: 2)
        let pair = isPair ? raw : builder.extendUnsigned(raw, to: emitter.int32)
        return block.lanes == 1 ? pair : builder.broadcast(pair, block.lanes)
      }
    }
    let whole =
      extent.constant.map { emitter.index($0 & -2) }
      ?? builder.and(emitter.maximum(emitter.scalar(extent), emitter.index(0)), emitter.index(-2))
    let pairs = emitter.loop(from: emitter.index(0), to: whole, step: 2, carrying: sums, name: "over") { position, sums in
      round(LinearIndex(position, multiple: 2), isPair: true, sums)
    }
    if extent.knownMultiple % 2 == 0 { return pairs }
    return emitter.branch(if: builder.compare(whole, .less, emitter.scalar(extent)), name: "last") {
      round(LinearIndex(whole), isPair: false, pairs)
    } else: {
      pairs
    }
  }

  private func multiplyPairs(_ a: LLVMValue, _ b: LLVMValue, _ sum: LLVMValue, _ emitter: Emitter) -> LLVMValue {
    emitter.pairMultiplyAdd(a, b, sum)
  }

  /// A block's vectors of pairs, from two rows; without a second row its elements are 0.
  private func interleaved(
    _ right: OperandStart, _ first: LinearIndex, _ second: LinearIndex?, _ block: ColumnBlock
  ) -> [LLVMValue] {
    let lanes = block.lanes
    func row(_ distance: LinearIndex?, _ vector: Int, _ count: Int, _ mask: LLVMValue?) -> LLVMValue {
      let type = emitter.memoryType(.bf16, count)
      guard let distance else { return type.zero }
      let pointer = right.address(distance, vector * lanes, self)
      return mask.map { emitter.maskedLoad(type, pointer, $0, alignment: 2) } ?? builder.load(type, pointer, alignment: 2)
    }
    if lanes == 1 {
      return block.masks.indices.map { vector in
        let (a, b) = (row(first, vector, 1, nil), row(second, vector, 1, nil))
        let high = builder.shiftLeft(builder.extendUnsigned(b, to: emitter.int32), emitter.int32.constant(16))
        return builder.or(builder.extendUnsigned(a, to: emitter.int32), high)
      }
    }
    // Two vectors at a time fill registers.
    let isWhole = block.masks.count % 2 == 0 && block.masks.allSatisfy { $0 == nil }
    let width = isWhole ? 2 * lanes : lanes
    let type = emitter.int32.vector(lanes)
    return Swift.stride(from: 0, to: block.masks.count, by: isWhole ? 2 : 1).flatMap { vector in
      let (a, b) = (row(first, vector, width, block.masks[vector]), row(second, vector, width, block.masks[vector]))
      return Swift.stride(from: 0, to: width, by: lanes).map { start in
        builder.bitCast(builder.shuffle(a, b, (start..<start + lanes).flatMap { [$0, $0 + width] }), to: type)
      }
    }
  }
}

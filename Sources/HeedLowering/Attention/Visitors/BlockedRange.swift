import HeedIR

/// A range of indices in blocks, some of which are a task's.
struct BlockedRange {
  let start: Extent
  let stop: Extent
  /// The indices of a block; nil where the range is one block.
  let size: Int?
  /// The blocks of a task.
  let blocksOfTask: Int

  /// - Parameters:
  ///   - size: the indices of a block; 0 for all.
  ///   - tile: about the indices of a task.
  init(_ range: (start: Extent, stop: Extent), size: Int, tile: Int) {
    (start, stop) = range
    self.size = size == 0 ? nil : size
    blocksOfTask = size == 0 ? 1 : max(1, tile / size)
  }

  /// Whether each block holds an index.
  var isNeverEmpty: Bool { size != nil }
  var blocks: Extent { size.map { (stop - start).dividedRoundingUp(by: $0) } ?? 1 }
  var tasks: Extent { size == nil ? 1 : blocks.dividedRoundingUp(by: blocksOfTask) }
}

/// The part of a range that a task has.
struct TaskRange {
  let first: IntegerExpression
  let end: IntegerExpression
  /// The first of its blocks and their number.
  let firstBlock: IntegerExpression
  let blocks: IntegerExpression

  /// `let`s for the range of the task with the number `task`.
  init(_ range: BlockedRange, _ name: String, task: IntegerExpression, _ builder: KernelBuilder) {
    let (start, stop) = (IntegerExpression(range.start), IntegerExpression(range.stop))
    guard let size = range.size else {
      (first, end, firstBlock, blocks) = (start, stop, 0, 1)
      return
    }
    firstBlock = builder.define(Name("first_\(name)_block"), task * .constant(range.blocksOfTask))
    first = builder.define(Name("first_\(name)"), start + firstBlock * .constant(size))
    end = builder.define(Name("end_\(name)"), .smaller(first + .constant(range.blocksOfTask * size), stop))
    blocks = builder.define(
      Name("\(name)_blocks"), .smaller(IntegerExpression(range.blocks) - firstBlock, .constant(range.blocksOfTask)))
  }
}

import HeedAnalysis
import HeedIR
import HeedSchedule

/// A kernel over pairs of a query and a key that is being built: what the traversal of tiles and the regions need to know of it.
///
/// `ScoreKernel` is that of attention and its statistics, `PairOpKernel` that of the ops that their derivatives are made of.
protocol PairKernel {
  var builder: KernelBuilder { get }
  var shape: AttentionShape { get }
  var schedule: AttentionSchedule { get }
  /// Which pairs live, and all that is known of that before they are looked at.
  var mask: MaskAnalysis { get }
  /// The tensors that the regions read.
  var tables: [BoundSource] { get }
  /// Where the segments of a ragged batch begin; nil where the batch is not ragged.
  var offsets: BoundView? { get }
}

/// Columns of a product with packed keys.
struct PanelColumns {
  /// The dimensions of the columns.
  let dimensions: [Dimension]
  /// The panel of a column, and its place there.
  let panel: IntegerExpression
  let inPanel: IntegerExpression
  /// The number of a column.
  let key: IntegerExpression
}

extension PairKernel {
  /// Appends a product with the first `count` packed keys: with whole panels, and with the rest of the keys up to the vector that holds
  /// the last one.
  func contractPanels(_ count: IntegerExpression, _ contraction: (PanelColumns) -> Contraction) {
    let (width, vector) = (schedule.panelWidth, schedule.vectorWidth)
    let vectors = builder.define("vectors", count.ceilingDivided(by: vector))
    let whole = builder.define("whole", vectors / .constant(width / vector))
    let rest = vectors % .constant(width / vector) * .constant(vector)
    if whole.constantValue != 0 {
      let ((panels, panel), (columns, column)) = (builder.dimension("p", whole), builder.dimension("c", .constant(width)))
      let at = PanelColumns(dimensions: [panels, columns], panel: panel, inPanel: column, key: panel * .constant(width) + column)
      builder.contract(contraction(at))
    }
    if rest.constantValue != 0 {
      let (columns, column) = builder.dimension("c", rest)
      let at = PanelColumns(dimensions: [columns], panel: whole, inPanel: column, key: whole * .constant(width) + column)
      builder.contract(contraction(at))
    }
  }
}

/// The op's regions inside a kernel's body.
extension PairKernel {
  /// The result of a region at the given indices: batch indices, query and key.
  func inline(
    _ function: ScalarFunction, _ leading: [BodyValue], _ indices: [IntegerExpression], in body: inout BodyBuilder
  ) -> BodyValue {
    inlineAll(function, leading, indices, in: &body)[0]
  }

  /// As `inline`, with all results of the function.
  func inlineAll(
    _ function: ScalarFunction, _ leading: [BodyValue], _ indices: [IntegerExpression], in body: inout BodyBuilder
  ) -> [BodyValue] {
    let used = function.usedParameters
    var arguments = leading
    for (position, index) in zip(leading.count..., indices) {
      // An index that the function does not use stands for nothing.
      arguments.append(used.contains(position) ? body.index(index, function.parameters[position].type) : BodyValue(-1))
    }
    return body.inline(function, arguments, narrowFloats: .widened) { body, read in
      let expressions = read.indices.map { body.expression(of: $0) }
      let extents = function.tables[read.table].type.shape.extents
      // An index that is not known to be inside may be outside: such an element reads as NaN, or 0 for integers.
      let guarded = Set(expressions.indices.filter { !isInside(expressions[$0], extents[$0], indices) })
      let outside = read.type.isFloat ? Literal(Double.nan) : Literal(0)
      return tables[read.table].read(
        expressions, as: read.type, guarded: guarded, otherwise: guarded.isEmpty ? nil : outside, in: &body)
    }
  }

  /// Whether `expression` is below `extent` whatever the call: one of the op's own indices over a dimension of the same extent, or a
  /// constant.
  private func isInside(_ expression: IntegerExpression, _ extent: Extent, _ indices: [IntegerExpression]) -> Bool {
    if let value = expression.constantValue { return value >= 0 && extent.constant.map { value < $0 } ?? false }
    let extents = shape.batch + [shape.queries, shape.keys]
    return zip(indices, extents).contains { $0 == expression && $1.isEqual(to: extent, given: shape.facts) }
  }
}

extension ScalarFunction {
  /// The positions of the parameters that an instruction or a result uses.
  var usedParameters: Set<Int> {
    Set((instructions.flatMap(\.operands) + results).map(\.index).filter { $0 < parameters.count })
  }
}

extension BodyBuilder {
  /// The whole-number expression that a value is, where it is a plain index; else a reference to the value.
  fileprivate func expression(of value: BodyValue) -> IntegerExpression {
    guard let instruction = code.instruction(value) else { return .value(value) }
    switch instruction.operation {
    case .index(let expression): return expression
    case .constant(let literal) where !literal.isReal: return .constant(Int(literal.integer))
    case .elementwise(.convert)
    where instruction.type.isInteger && instruction.type.byteCount >= type(instruction.operands[0]).byteCount
      && instruction.type != .u8:
      let inner = expression(of: instruction.operands[0])
      if case .value = inner { return .value(value) }
      return inner
    default: return .value(value)
    }
  }
}

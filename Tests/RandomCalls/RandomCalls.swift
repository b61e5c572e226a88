import HeedDSL
import HeedIR

/// Calls of the public functions of the language with random arguments.
///
/// An entry begins with the names of the functions that it calls; a test finds the functions that no entry names.
struct RandomCall {
  let names: String
  let call: (inout BadArguments) -> [Tensor]

  init(_ names: String, _ call: @escaping (inout BadArguments) -> [Tensor]) { (self.names, self.call) = (names, call) }

  /// The same for one tensor.
  init(_ names: String, _ call: @escaping (inout BadArguments) -> Tensor) { self.init(names) { [call(&$0)] } }

  nonisolated(unsafe) static let all =
    elements + reductions + shapes + picking + sources + products + layers + attentions + masks + scores + derivatives + losses
    + training
}

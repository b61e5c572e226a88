extension Op {
  /// Every op there is. The order is that of the documentation.
  public static let all: [Op] = [
    // Sources.
    .constant, .iota,
    // Arithmetic, elementwise.
    .add, .subtract, .multiply,
    // Comparison and choice, elementwise.
    .lessEqual, .select, .convert,
    // Products.
    .contract,
  ]
}

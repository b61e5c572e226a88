public import HeedIR

/// The maps of a recurrent layer: of the inputs of all steps at once, and of the state in each step.
public struct RecurrentMaps {
  /// The map of the inputs, `name.input`: `[gates * size, inputs]`.
  public let input: Linear
  /// The map of the state, `name.hidden`: `[gates * size, size]`.
  public let hidden: Linear
  /// The features of a state.
  public let size: Int

  init(
    _ name: String, in g: GraphBuilder, inputs: Int, size: Int, gates: Int, hasBias: Bool, element: ElementType, _ site: CallSite
  ) {
    func linear(_ part: String, _ inputs: Int) -> Linear {
      Linear(
        "\(name).\(part)", in: g, inputs: inputs, outputs: gates * size, hasBias: hasBias, element: element, file: site.file,
        line: site.line)
    }
    (input, hidden, self.size) = (linear("input", inputs), linear("hidden", size), size)
  }

  /// The state that `initial` is, or zeros: the shape of a step's input with `size` features.
  fileprivate func state(_ initial: Tensor?, for x: Tensor) -> Tensor {
    initial ?? x.builder.full(Shape(x.shape.extents.dropFirst().dropLast() + [Extent(size)]), 0, hidden.weight.element)
  }
}

/// Elman's recurrent layer: `h = tanh(W x + U h + b)`. Elman, "Finding structure in time", 1990.
public struct ElmanLayer {
  /// The maps W and U.
  public let maps: RecurrentMaps

  /// Parameters: those of the linear maps `name.input` and `name.hidden`.
  public init(
    _ name: String, in g: GraphBuilder, inputs: Int, size: Int, hasBias: Bool = true, element: ElementType = .f32,
    file: String = #filePath, line: Int = #line
  ) {
    maps = RecurrentMaps(
      name, in: g, inputs: inputs, size: size, gates: 1, hasBias: hasBias, element: element, CallSite(file, line))
  }

  /// `[steps, ..., inputs]` to the states `[steps, ..., size]`.
  /// - Parameter initial: `[..., size]`; zeros unless given.
  public func callAsFunction(
    _ x: Tensor, initial: Tensor? = nil, checkpoints: ScanCheckpoints = .everyStep, file: String = #filePath, line: Int = #line
  ) -> ScanResult {
    x.builder.located(file, line) {
      x.builder.scan(over: maps.input(x), initial: maps.state(initial, for: x), checkpoints: checkpoints) { h, x in
        tanh(x + maps.hidden(h))
      }
    }
  }
}

/// A gated recurrent unit: `h = (1 - z) n + z h` with `r, z = sigmoid(W x + U h)` and `n = tanh(W x + r (U h))`, as torch.nn.GRU has it: rows of
/// the maps in the order r, z, n. Cho and others, "Learning phrase representations using RNN encoder-decoder", 2014.
public struct GRU {
  /// The maps W and U.
  public let maps: RecurrentMaps

  /// Parameters: those of the linear maps `name.input` and `name.hidden`.
  public init(
    _ name: String, in g: GraphBuilder, inputs: Int, size: Int, hasBias: Bool = true, element: ElementType = .f32,
    file: String = #filePath, line: Int = #line
  ) {
    maps = RecurrentMaps(
      name, in: g, inputs: inputs, size: size, gates: 3, hasBias: hasBias, element: element, CallSite(file, line))
  }

  /// `[steps, ..., inputs]` to the states `[steps, ..., size]`.
  /// - Parameter initial: `[..., size]`; zeros unless given.
  public func callAsFunction(
    _ x: Tensor, initial: Tensor? = nil, checkpoints: ScanCheckpoints = .everyStep, file: String = #filePath, line: Int = #line
  ) -> ScanResult {
    x.builder.located(file, line) {
      x.builder.scan(over: maps.input(x), initial: maps.state(initial, for: x), checkpoints: checkpoints) { h, x in
        let (x, u) = (x.split(3), maps.hidden(h).split(3))
        let (reset, update) = (sigmoid(x[0] + u[0]), sigmoid(x[1] + u[1]))
        let new = tanh(x[2] + reset * u[2])
        return new + update * (h - new)
      }
    }
  }
}

/// Long short-term memory: `c = f c + i g`, `h = o tanh(c)` with `i, f, o = sigmoid(W x + U h)` and `g = tanh(W x + U h)`, as torch.nn.LSTM has it:
/// rows of the maps in the order i, f, g, o. Hochreiter, Schmidhuber, "Long short-term memory", 1997; Gers and others, 2000.
public struct LSTM {
  /// The maps W and U.
  public let maps: RecurrentMaps

  /// Parameters: those of the linear maps `name.input` and `name.hidden`.
  public init(
    _ name: String, in g: GraphBuilder, inputs: Int, size: Int, hasBias: Bool = true, element: ElementType = .f32,
    file: String = #filePath, line: Int = #line
  ) {
    maps = RecurrentMaps(
      name, in: g, inputs: inputs, size: size, gates: 4, hasBias: hasBias, element: element, CallSite(file, line))
  }

  /// `[steps, ..., inputs]` to the states h, `[steps, ..., size]`; the states of the result are h and c.
  /// - Parameter initial: h and c, `[..., size]`; zeros unless given.
  public func callAsFunction(
    _ x: Tensor, initial: (h: Tensor, c: Tensor)? = nil, checkpoints: ScanCheckpoints = .everyStep, file: String = #filePath,
    line: Int = #line
  ) -> ScanResult {
    x.builder.located(file, line) {
      let states = [maps.state(initial?.h, for: x), maps.state(initial?.c, for: x)]
      return x.builder.scan(over: [maps.input(x)], initial: states, checkpoints: checkpoints) { states, x in
        let gates = (x[0] + maps.hidden(states[0])).split(4)
        let c = sigmoid(gates[1]) * states[1] + sigmoid(gates[0]) * tanh(gates[2])
        let h = sigmoid(gates[3]) * tanh(c)
        return ([h, c], [h])
      }
    }
  }
}

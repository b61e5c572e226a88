import CHeedABI
import HeedArrays
import HeedIR
import HeedRuntime

// Kernels written by hand in Swift, in the form that code generation gives, and a program of them:
//   load: doubled = 2 * weight
//   steps: middle = x * doubled (through a workspace); out = middle + x; sums = segment sums of out

private typealias Arguments = UnsafePointer<heed_arguments>

private func floats(_ arguments: Arguments, _ buffer: Int) -> UnsafeMutablePointer<Float> {
  arguments.pointee.buffers[buffer]!.assumingMemoryBound(to: Float.self)
}

private func code(_ count: heed_count_function, _ run: heed_run_function) -> KernelCode.Phase {
  KernelCode.Phase(count: unsafeBitCast(count, to: UnsafeRawPointer.self), run: unsafeBitCast(run, to: UnsafeRawPointer.self))
}

private let countFirstSymbol: heed_count_function = { $0!.pointee.symbols[0] }
private let countEight: heed_count_function = { _ in 8 }

private let double: heed_run_function = { arguments, begin, end, _ in
  for d in Int(begin)..<Int(end) { floats(arguments!, 1)[d] = 2 * floats(arguments!, 0)[d] }
}
private let copyToWorkspace: heed_run_function = { arguments, begin, end, _ in
  for index in Int(begin) * 8..<Int(end) * 8 { floats(arguments!, 3)[index] = floats(arguments!, 0)[index] }
}
private let multiplyWorkspace: heed_run_function = { arguments, begin, end, scratch in
  let row = scratch!.assumingMemoryBound(to: Float.self)
  for t in Int(begin)..<Int(end) {
    for d in 0..<8 { row[d] = floats(arguments!, 3)[t * 8 + d] }
    for d in 0..<8 { floats(arguments!, 2)[t * 8 + d] = row[d] * floats(arguments!, 1)[d] }
  }
}
private let add: heed_run_function = { arguments, begin, end, _ in
  for index in Int(begin) * 8..<Int(end) * 8 {
    floats(arguments!, 2)[index] = floats(arguments!, 0)[index] + floats(arguments!, 1)[index]
  }
}
private let segmentSums: heed_run_function = { arguments, begin, end, _ in
  let offsets = arguments!.pointee.buffers[1]!.assumingMemoryBound(to: Int32.self)
  for b in Int(begin)..<Int(end) {
    for d in 0..<8 {
      floats(arguments!, 2)[b * 8 + d] = 0
      for t in Int(offsets[b])..<Int(offsets[b + 1]) { floats(arguments!, 2)[b * 8 + d] += floats(arguments!, 0)[t * 8 + d] }
    }
  }
}

private let kernelText = """
  kernel @double(input %x: f32[8], output %y: f32[8]) { phase @all (%d : 8) { } }
  kernel @multiply(input %x: f32[T, 8], input %w: f32[8], output %y: f32[T, 8], workspace %copy: f32[T, 8]) {
    phase @copy (%t : T) { }
    phase @all (%t : T) { }
  }
  kernel @add(input %x: f32[T, 8], input %y: f32[T, 8], output %z: f32[T, 8]) { phase @all (%t : T) { } }
  kernel @sums(input %x: f32[T, 8], input %offsets: i32[B + 1], output %y: f32[B, 8]) { phase @all (%b : B) { } }
  """

/// The program above, with symbols B (segments) and T (rows).
/// - Parameter writesTooMuch: whether the kernel of the first step handles a row more than there are.
func exampleExecutor(threads: Int = 1, bounds: Extent = "T", writesTooMuch: Bool = false) throws -> Executor {
  var program = Program(name: "example")
  program.kernels = try Kernel.parse(kernelText, file: "example")
  let row = TensorType(.f32, ["T", 8])
  program.buffers = [
    Program.Buffer("x", row, .input), Program.Buffer("offsets", TensorType(.i32, ["B + 1"]), .input),
    Program.Buffer("weight", TensorType(.f32, [8]), .parameter), Program.Buffer("doubled", TensorType(.f32, [8]), .packed),
    Program.Buffer("middle", row, .slot(0)), Program.Buffer("out", row, .result),
    Program.Buffer("sums", TensorType(.f32, ["B", 8]), .result),
  ]
  func call(_ kernel: Int, _ buffers: [Int], _ symbols: [Extent] = []) -> Program.Call {
    Program.Call(
      kernel: kernel, operands: buffers.map { Program.Operand(buffer: $0) }, symbols: symbols,
      cost: Cost(flops: "8*T", bytes: "64*T"))
  }
  program.load = [
    Program.Call(kernel: 0, operands: [Program.Operand(buffer: 2), Program.Operand(buffer: 3)], symbols: [])
  ]
  program.steps = [call(1, [0, 3, 4], ["T"]), call(2, [4, 0, 5], ["T"]), call(3, [5, 1, 6], ["T", "B"])]
  program.checks = [.offsets(buffer: 1, total: bounds)]
  program.results = [Program.Result(name: "out", buffer: 5), Program.Result(name: "sums", buffer: 6)]
  let rowsAndOne: heed_count_function = { $0!.pointee.symbols[0] + 1 }
  let secondSymbol: heed_count_function = { $0!.pointee.symbols[1] }
  return Executor(
    try Verified(program),
    code: [
      KernelCode(phases: [code(countEight, double)], scratchByteCount: 0),
      KernelCode(
        phases: [
          code(countFirstSymbol, copyToWorkspace), code(writesTooMuch ? rowsAndOne : countFirstSymbol, multiplyWorkspace),
        ], scratchByteCount: 64),
      KernelCode(phases: [code(countFirstSymbol, add)], scratchByteCount: 0),
      KernelCode(phases: [code(secondSymbol, segmentSums)], scratchByteCount: 0),
    ], codeOwner: 0, pool: try ThreadPool(threads: threads))
}

/// Inputs of the program for segments of the given lengths; every element is its index plus `start`.
func exampleInputs(_ lengths: [Int], start: Int = 0) throws -> [(name: String, array: NDArray)] {
  let rows = lengths.reduce(0, +)
  var offsets: [Int32] = [0]
  for length in lengths { offsets.append(offsets.last! + Int32(length)) }
  return [
    ("x", try NDArray((0..<rows * 8).map { Float($0 + start) }, [rows, 8])), ("offsets", try NDArray(offsets, [offsets.count])),
  ]
}

func exampleWeight() throws -> [(name: String, array: NDArray)] { [("weight", try NDArray((1...8).map { Float($0) }, [8]))] }

/// What the program makes of `exampleInputs`.
func exampleResults(_ lengths: [Int], start: Int = 0) -> (out: [Float], sums: [Float]) {
  let rows = lengths.reduce(0, +)
  let out = (0..<rows * 8).map { index in
    let x = Float(index + start)
    return x * (2 * Float(index % 8 + 1)) + x
  }
  var sums: [Float] = []
  var row = 0
  for length in lengths {
    for d in 0..<8 { sums.append((row..<row + length).reduce(0) { $0 + out[$1 * 8 + d] }) }
    row += length
  }
  return (out, sums)
}

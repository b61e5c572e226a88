import CHeedABI
import HeedArrays
import HeedCodegen
import HeedIR
import HeedRuntime

/// A kernel compiled for a target and loaded, to be run on arrays by one thread.
struct NativeKernel: ~Copyable {
  let kernel: Kernel
  private let loader: LLVMObjectLoader

  init(_ text: String, target: Target = .host) throws {
    try self.init(try Kernel.parse(text)[0], target: target)
  }

  init(_ kernel: Kernel, target: Target = .host) throws {
    self.kernel = kernel
    loader = try LLVMObjectLoader(objects: [KernelCompiler(target: target).object(for: [Verified(kernel)])])
  }

  /// Runs all phases on the arrays, one for each of the kernel's buffers in order. They lie between guard pages meanwhile, once at
  /// the first page and once at the last, so that an access out of bounds ends the process.
  func run(_ arrays: [NDArray], _ symbols: [String: Int] = [:]) throws {
    precondition(arrays.count == kernel.buffers.count)
    for place in GuardedMemory.allCases {
      let guarded = try arrays.map { try $0.guarded(place) }
      let scratch = try place.storage(byteCount: try kernel.scratchByteCount(), alignment: 64)
      try run(guarded.map { $0.storage.bytes.baseAddress }, kernel.symbols.map { Int64(symbols[$0.text]!) }, scratch)
      if place == GuardedMemory.allCases.last {
        for (array, result) in zip(arrays, guarded) { array.storage.bytes.copyMemory(from: result.bytes) }
      }
    }
  }

  private func run(_ pointers: [UnsafeMutableRawPointer?], _ numbers: [Int64], _ scratch: ArrayStorage) throws {
    try pointers.withUnsafeBufferPointer { pointers in
      try numbers.withUnsafeBufferPointer { numbers in
        var arguments = heed_arguments(buffers: pointers.baseAddress, symbols: numbers.baseAddress)
        for phase in kernel.phases {
          let names = PhaseSymbols(kernel: kernel, phase: phase)
          let count = unsafeBitCast(try loader.address(of: names.count), to: heed_count_function.self)
          let run = unsafeBitCast(try loader.address(of: names.run), to: heed_run_function.self)
          let total = count(&arguments)
          // In two parts, as two threads would.
          run(&arguments, 0, total / 2, scratch.bytes.baseAddress)
          run(&arguments, total / 2, total, scratch.bytes.baseAddress)
        }
      }
    }
  }
}

/// The targets whose code this machine runs.
let runnableTargets = Target.all.filter(\.runsOnHost)

/// Numbers that look random and are the same at each run, in -1 ..< 1.
func noise(_ count: Int, seed: UInt64 = 1) -> [Float] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int64(bitPattern: state) >> 40) / Float(1 << 23)
  }
}

extension NDArray {
  /// The elements as numbers, any element type.
  func numbers() -> [Double] {
    switch element {
    case .f64: values(as: Double.self)
    case .f32: values(as: Float.self).map(Double.init)
    case .f16: values(as: Float16.self).map(Double.init)
    case .bf16: values(as: BFloat16.self).map { Double(Float(bitPattern: UInt32($0.bitPattern) << 16)) }
    case .i64: values(as: Int64.self).map(Double.init)
    case .i32: values(as: Int32.self).map(Double.init)
    case .i8: values(as: Int8.self).map(Double.init)
    case .u8: values(as: UInt8.self).map(Double.init)
    case .bool: values(as: Bool.self).map { $0 ? 1 : 0 }
    }
  }

  /// Sets an element of an array that is being made.
  func setNumber(_ position: Int, _ number: Double) {
    let address = storage.bytes.baseAddress! + position * element.byteCount
    switch element {
    case .f64: address.storeBytes(of: number, as: Double.self)
    case .f32: address.storeBytes(of: Float(number), as: Float.self)
    case .f16: address.storeBytes(of: Float16(number), as: Float16.self)
    case .bf16: address.storeBytes(of: UInt16(truncatingIfNeeded: Float(number).bitPattern >> 16), as: UInt16.self)
    case .i64: address.storeBytes(of: Int64(number), as: Int64.self)
    case .i32: address.storeBytes(of: Int32(number), as: Int32.self)
    case .i8: address.storeBytes(of: Int8(number), as: Int8.self)
    case .u8: address.storeBytes(of: UInt8(number), as: UInt8.self)
    case .bool: address.storeBytes(of: Int(number) % 2 == 1, as: Bool.self)
    }
  }
}

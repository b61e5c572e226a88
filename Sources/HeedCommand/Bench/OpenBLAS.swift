import Foundation
import Heed

/// OpenBLAS as it is installed on this system: a baseline for matrix products. It is loaded when first asked for.
struct OpenBLAS: @unchecked Sendable {
  private typealias SingleProduct =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, Float, UnsafePointer<Float>, Int32, UnsafePointer<Float>, Int32, Float,
      UnsafeMutablePointer<Float>, Int32
    ) -> Void
  private typealias DoubleProduct =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, Double, UnsafePointer<Double>, Int32, UnsafePointer<Double>, Int32, Double,
      UnsafeMutablePointer<Double>, Int32
    ) -> Void

  private let single: SingleProduct
  private let double: DoubleProduct
  /// The processor whose kernels run, as the library names it: `SkylakeX`.
  let coreName: String

  /// How long its threads spin after a product before they sleep, in seconds.
  static let restTime = 0.03

  /// Nil where it is not installed.
  ///
  /// A version older than the processor would choose kernels for much older ones. So the core type that fits is put into the
  /// environment, before the library is loaded, which is when it reads it.
  init?(threads: Int) {
    if let core = Self.fittingCore { setenv("OPENBLAS_CORETYPE", core, 1) }
    setenv("OPENBLAS_NUM_THREADS", "\(threads)", 1)
    guard let library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL) ?? dlopen("libopenblas.so", RTLD_NOW | RTLD_LOCAL),
      let single = dlsym(library, "cblas_sgemm"), let double = dlsym(library, "cblas_dgemm")
    else { return nil }
    self.single = unsafeBitCast(single, to: SingleProduct.self)
    self.double = unsafeBitCast(double, to: DoubleProduct.self)
    let name = dlsym(library, "openblas_get_corename").map {
      unsafeBitCast($0, to: (@convention(c) () -> UnsafePointer<CChar>?).self)()
    }
    coreName = name.flatMap { $0 }.map { String(cString: $0) } ?? "unknown core"
    if let setThreads = dlsym(library, "openblas_set_num_threads") {
      unsafeBitCast(setThreads, to: (@convention(c) (Int32) -> Void).self)(Int32(threads))
    }
  }

  private static var fittingCore: String? {
    if Target.x86AVX512.runsOnHost { return "SkylakeX" }
    return Target.x86AVX2.runsOnHost ? "Haswell" : nil
  }

  /// z = x y for row-major `x [B, M, K]`, `y [B, K, N]` and `z [B, M, N]`, all f32 or all f64.
  func multiply(_ x: NDArray, _ y: NDArray, into z: NDArray) {
    let (batch, m, k, n) = (x.shape[0], Int32(x.shape[1]), Int32(x.shape[2]), Int32(y.shape[2]))
    let (rowMajor, plain) = (Int32(101), Int32(111))
    func address<Scalar>(_ array: NDArray, _ index: Int, _: Scalar.Type) -> UnsafeMutablePointer<Scalar> {
      array.mutableBytes.baseAddress!.assumingMemoryBound(to: Scalar.self) + index * array.shape[1] * array.shape[2]
    }
    for b in 0..<batch {
      if x.element == .f32 {
        single(
          rowMajor, plain, plain, m, n, k, 1, address(x, b, Float.self), k, address(y, b, Float.self), n, 0,
          address(z, b, Float.self), n)
      } else {
        precondition(x.element == .f64, "OpenBLAS multiplies f32 and f64")
        double(
          rowMajor, plain, plain, m, n, k, 1, address(x, b, Double.self), k, address(y, b, Double.self), n, 0,
          address(z, b, Double.self), n)
      }
    }
  }
}

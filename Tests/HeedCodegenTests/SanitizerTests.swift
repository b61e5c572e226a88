import Foundation
import HeedArrays
import HeedCodegen
import HeedIR
import Testing

/// That AddressSanitizer sees what generated code does wrong (`make test-asan`).
@Suite struct SanitizerTests {
  private static let checksAddresses =
    ProcessInfo.processInfo.environment["HEED_SANITIZE"] == "address" && dlsym(dlopen(nil, RTLD_NOW), "__asan_init") != nil

  /// A kernel that reads element `%place` of a tile of five; behind the tile is scratch memory that the thread owns.
  private static func read(_ place: Int) throws {
    let kernel = try NativeKernel(
      """
      kernel @k(output %z: f32[N]) {
        phase @run (%p : N) {
          tile %first : f32[5]
          tile %second : f32[5]
          map (%i : 5) {
            store 1.0, %first[%i]
            store 2.0, %second[%i]
          }
          do {
            %x = load %first[%p + \(place)]
            store %x, %z[%p]
          }
        }
      }
      """)
    try kernel.run([NDArray(zeros: .f32, [1])], ["N": 1])
  }

  @Test(.enabled(if: checksAddresses, "not built with AddressSanitizer")) func readsBehindATile() async throws {
    try Self.read(4)
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { try Self.read(5) }
    #expect(result.map { String(decoding: $0.standardErrorContent, as: UTF8.self).contains("use-after-poison") } == true)
  }
}

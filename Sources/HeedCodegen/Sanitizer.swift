internal import Foundation

/// AddressSanitizer over generated code: the sanitizers of the Swift build do not see it.
enum Sanitizer {
  /// Whether generated code checks its addresses: where the environment asks with HEED_SANITIZE=address, and this process was built
  /// with the sanitizer, whose functions the code calls.
  static let checksAddresses: Bool = {
    guard ProcessInfo.processInfo.environment["HEED_SANITIZE"] == "address" else { return false }
    return dlsym(dlopen(nil, RTLD_NOW), "__asan_init") != nil
  }()
}

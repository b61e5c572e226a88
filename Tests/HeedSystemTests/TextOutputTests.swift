import Foundation
import HeedIR
import HeedSystem
import Testing

@Suite struct TextOutputTests {
  @Test func all() throws {}
}

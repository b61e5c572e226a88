import Foundation
import Heed

/// A pole on a cart that is pushed left or right: the dynamics of gymnasium's CartPole-v1, after Barto, Sutton and Anderson (1983).
struct CartPole {
  /// The cart's place and speed, the pole's angle and its speed.
  var state: [Double]

  /// A cart at rest, nearly.
  init(_ numbers: inout SeededGenerator) { state = (0..<4).map { _ in Double.random(in: -0.05...0.05, using: &numbers) } }

  init(state: [Double]) { self.state = state }

  /// Pushes for 0.02 seconds.
  mutating func push(right: Bool) {
    let (angle, spin) = (state[2], state[3])
    let thrust = ((right ? 10 : -10) + 0.05 * spin * spin * sin(angle)) / 1.1
    let turning = (9.8 * sin(angle) - cos(angle) * thrust) / (0.5 * (4.0 / 3 - 0.1 * cos(angle) * cos(angle) / 1.1))
    let moving = thrust - 0.05 * turning * cos(angle) / 1.1
    state = [state[0] + 0.02 * state[1], state[1] + 0.02 * moving, angle + 0.02 * spin, spin + 0.02 * turning]
  }

  /// Whether the cart has left its track or the pole leans by more than 12 degrees.
  var isOver: Bool { abs(state[0]) > 2.4 || abs(state[2]) > 12 * 2 * .pi / 360 }

  /// What a model sees: the state, scaled to about 1, and the time.
  func seen(at time: Int) -> [Float] { zip(state, [1, 1, 10, 1]).map { Float($0 * $1) } + [Float(time) / 50] }

  /// An episode ends after so many pushes. Each is worth 1.
  static let longest = 200

  /// The largest difference from states of gymnasium 1.4.0, which scripts/peers/cartpole.py prints.
  static func differenceFromGymnasium() -> Double {
    let expected = [
      0: [0.009600000000000001, -0.21553901710278936, 0.030799999999999998, 0.34199522377603914],
      9: [-0.021873836149393557, -0.027570970882297152, 0.0913381769989984, 0.20780955774153287],
      19: [-0.040439986595197715, -0.434308199277572, 0.180664979434688, 1.1730489362978256],
      21: [-0.05396484015098616, -0.050060762663290626, 0.22296619562071052, 0.7197738024308199],
    ]
    var cart = CartPole(state: [0.01, -0.02, 0.03, 0.04])
    var largest = 0.0
    for time in 0..<22 {
      cart.push(right: time * time / 3 % 2 == 1)
      guard let row = expected[time] else { continue }
      largest = max(largest, zip(cart.state, row).map { abs($0 - $1) }.max()!)
      // Gymnasium ends the episode after the last of these pushes.
      if cart.isOver != (time == 21) { largest = .infinity }
    }
    return largest
  }
}

/// What one controller did.
struct Episode {
  var seen: [[Float]] = []
  var pushes: [Bool] = []
  /// The number of pushes until the episode was over.
  var value: Int { pushes.count }

  /// Four controllers of five hold the pole at an angle of up to 0.14: the more it leans, the sooner the cart leaves the track. The fifth
  /// pushes at random, and so does each of the others once in ten times.
  static func mixed(_ count: Int, seed: Int) -> [Episode] {
    var numbers = SeededGenerator(seed: seed)
    return (0..<count).map { number in
      let lean = Double.random(in: 0...0.14, using: &numbers)
      var (episode, cart) = (Episode(), CartPole(&numbers))
      while episode.value < CartPole.longest, !cart.isOver {
        let isRandom = number % 5 == 0 || Double.random(in: 0..<1, using: &numbers) < 0.1
        let right = isRandom ? Bool.random(using: &numbers) : cart.state[2] + 0.2 * cart.state[3] > lean
        episode.seen.append(cart.seen(at: episode.value))
        episode.pushes.append(right)
        cart.push(right: right)
      }
      return episode
    }
  }
}

import Foundation
import Heed
import HeedTestSupport
import Testing

/// The numbers behind progress and the loss curve.
@Suite struct CurveTests {
  /// However many numbers there are, buckets are few, and their means, counts and extremes are those of the numbers.
  @Test(arguments: [1, 7, 16, 17, 1000, 12345])
  func bucketsAreFew(count: Int) {
    var samples = CurveSamples(limit: 16)
    var random = SeededGenerator(seed: UInt64(count))
    let values = (0..<count).map { _ in Double.random(in: -1...1, using: &random) }
    for (step, value) in values.enumerated() { samples.add(step: step, value) }
    samples.add(step: count, .nan)
    #expect(samples.buckets.count <= 16 && samples.buckets.count >= min(count, 8))
    var start = 0
    for bucket in samples.buckets {
      let part = values[start..<start + bucket.count]
      #expect(abs(bucket.mean - part.reduce(0, +) / Double(part.count)) < 1e-9)
      #expect(bucket.least == part.min() && bucket.greatest == part.max())
      #expect(abs(bucket.step - Double(2 * start + bucket.count - 1) / 2) < 1e-6 * Double(count))
      start += bucket.count
    }
    #expect(start == count)
    #expect(samples.smoothed.count == samples.buckets.count)
  }

  @Test func speedAndTimeLeft() {
    var speed = StepSpeed()
    #expect(speed.timeLeft(rest: 1) == nil)
    for _ in 0..<1000 { speed.add(seconds: 0.5, samples: 4, tokens: 100, progress: 1 / 4000) }
    #expect(speed.text == "200 tokens/s" && speed.timeLeft(rest: 0.75) == "25:00")
    #expect(speed.timeLeft(rest: 4) == "2:13:20")
    // Later steps count more than the first ones.
    for _ in 0..<1000 { speed.add(seconds: 0.25, samples: 4, tokens: 100, progress: 1 / 4000) }
    #expect(speed.text == "400 tokens/s")
    var slow = StepSpeed()
    slow.add(seconds: 8, samples: 4, tokens: 0, progress: 0.5)
    #expect(slow.text == "0.50 samples/s" && slow.timeLeft(rest: 0.5) == "0:08")
  }

  /// A curve of many steps is not a large file, and one whose numbers fall a thousandfold has a logarithmic axis.
  @Test func longRuns() async throws {
    let problem = try SmallProblem(samples: 60, rate: 0.01)
    try await withTemporaryFolder { folder in
      var trainer = try problem.trainer(folder, steps: 3000)
      (trainer.checkpointInterval, trainer.title, trainer.lossUnit) = (1000, "a < b & c", "squares")
      let losses = Lock(1e6)
      trainer.evaluation = TrainingEvaluation(every: 100, metric: "loss") { _ in
        [
          "loss": losses.withLock { loss in
            loss /= 2
            return loss
          }
        ]
      }
      _ = try await trainer.train(from: problem.initial)
      let curve = try String(contentsOfFile: folder + "/loss.svg", encoding: .utf8)
      #expect(curve.utf8.count < 100_000 && curve.contains("a &lt; b &amp; c") && curve.contains("loss (squares), logarithmic"))
      #expect(!curve.contains("nan") && !curve.contains("inf"))
    }
  }
}

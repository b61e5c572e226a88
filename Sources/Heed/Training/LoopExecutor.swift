internal import Foundation

/// Runs a training loop on a thread of its own: steps and evaluations take long, and tasks' threads are few.
final class LoopExecutor: TaskExecutor {
  private let queue = DispatchQueue(label: "heed.training", qos: .userInitiated)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

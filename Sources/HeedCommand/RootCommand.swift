import ArgumentParser
import Foundation
import Heed

/// The command `heed`: every subcommand is a file.
struct RootCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "heed", abstract: "Compiles attention written as plain tensor math into native kernels.",
    version: VersionCommand.text,
    subcommands: [
      DumpCommand.self, OptCommand.self, RunCommand.self, GradcheckCommand.self, ExplainCommand.self, EmbedCommand.self,
      TrainCommand.self, InspectCommand.self,
      BenchCommand.self,
      TuneCommand.self,
      VersionCommand.self,
    ])
}

@main enum Main {
  /// Exits with 0, with 64 where the arguments are wrong, with 141 where nobody reads what is printed, and with 1 and a line on standard
  /// error where anything else is.
  static func main() async {
    StandardStreams.prepare()
    do {
      var command = try RootCommand.parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      try TextOutput.standard.finish()
    } catch {
      exit(report(error))
    }
  }

  /// Says what went wrong, after what was printed before; returns the exit status. A request for help arrives as an error too.
  private static func report(_ error: any Error) -> Int32 {
    if error is BrokenPipe { return BrokenPipe.exitStatus }
    let status = RootCommand.exitCode(for: error)
    do {
      guard status.isSuccess else {
        try? TextOutput.standard.finish()
        let message = message(error, status)
        if !message.isEmpty { StandardError.write(message) }
        return status.rawValue
      }
      try printLine(RootCommand.fullMessage(for: error))
      try TextOutput.standard.finish()
      return 0
    } catch is BrokenPipe {
      return BrokenPipe.exitStatus
    } catch {
      StandardError.write("\(error)")
      return ExitCode.failure.rawValue
    }
  }

  private static func message(_ error: any Error, _ status: ExitCode) -> String {
    if let error = error as? HeedError { return error.description }
    guard status == .failure else { return RootCommand.fullMessage(for: error) }
    return "error: \(error.localizedDescription.split(whereSeparator: \.isNewline).joined(separator: " "))"
  }
}

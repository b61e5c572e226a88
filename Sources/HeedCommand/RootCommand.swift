import ArgumentParser
import Foundation
import Heed

/// The command `heed`: every subcommand is a file.
struct RootCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "heed", abstract: "Compiles attention written as plain tensor math into native kernels.",
    version: VersionCommand.text,
    subcommands: [
      DumpCommand.self, OptCommand.self, RunCommand.self, ExplainCommand.self, EmbedCommand.self, BenchCommand.self,
      TuneCommand.self,
      VersionCommand.self,
    ])
}

@main enum Main {
  /// Exits with 0, with 64 where the arguments are wrong, and with 1 and a line on standard error where anything else is.
  static func main() {
    do {
      var command = try RootCommand.parseAsRoot()
      try command.run()
    } catch let error as HeedError {
      fail(error.description)
    } catch  where RootCommand.exitCode(for: error) == .failure {
      fail("error: \(error.localizedDescription.split(whereSeparator: \.isNewline).joined(separator: " "))")
    } catch {
      RootCommand.exit(withError: error)
    }
  }

  private static func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("\(message)\n".utf8))
    exit(1)
  }
}

internal import Foundation

/// What a command does about its standard streams before anything else.
package enum StandardStreams {
  /// Lets writes that fail be errors, as reads are.
  ///
  /// A stream that is closed would become the next file that is opened, and be read or written as that file. So its number is taken: by a
  /// file that cannot be read, or written, as the stream would be. Standard error is thrown away. Writing to a pipe that no one reads, or
  /// more than the limit of a file's size, is an error and not the end of the process.
  package static func prepare() {
    for (stream, mode) in [(Descriptor.standardInput, O_WRONLY), (.standardOutput, O_RDONLY), (.standardError, O_RDWR)]
    where fcntl(stream.number, F_GETFD) == -1 {
      let file = open("/dev/null", mode)
      guard file != stream.number, file >= 0 else { continue }
      dup2(file, stream.number)
      close(file)
    }
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }
}

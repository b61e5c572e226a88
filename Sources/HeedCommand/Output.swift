import Heed

/// Prints a line to standard output: the one way in which the command does.
/// - Throws: where standard output cannot be written.
func printLine(_ line: String = "") throws { try TextOutput.standard.write(line + "\n") }

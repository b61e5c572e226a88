import Foundation
import Heed
import HeedTestSupport
import Testing

/// Standard streams that cannot be read or written.
@Suite struct StreamTests {
  private static let commands = [
    "version", "--version", "--help", "embed --help", "--generate-completion-script bash", "dump $f", "dump $f --kernels",
    "dump $f --asm", "opt $f", "opt $f --print-after all", "explain $f", "explain $f --tiles - --size B=1 --size S=64",
    "bench machine --json", "bench gemm --m 8 --n 8 --k 8 --seconds 0",
    "tune gemm --m 8 --n 8 --k 8 --epilogue bias --seconds 0 --dry-run",
  ]

  private func withGraph(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      try causal.write(toFile: folder + "/causal.heed", atomically: true, encoding: .utf8)
      try body(folder)
    }
  }

  private func inGraphFolder(_ script: String, _ environment: [String: String] = [:]) throws -> CommandResult {
    var result: CommandResult?
    try withGraph { result = try shell("f=\($0)/causal.heed; cd \($0); \(script)", environment: environment) }
    return result!
  }

  @Test(arguments: commands) func outputThatCannotBeWritten(command: String) throws {
    for (target, reason) in [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")] {
      let result = try inGraphFolder("$heed \(command) \(target)")
      #expect(result.status == 1, "\(command) \(target)")
      #expect(result.errors == "error: writing standard output: \(reason)\n", "\(command) \(target)")
    }
  }

  @Test func outputOfRunsThatCannotBeWritten() throws {
    try withSmallModel { model in
      for (target, reason) in [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")] {
        let result = try shell("echo '{\"text\": \"a b\"}' | $heed embed --model \(model) --json \(target)")
        #expect(result.status == 1 && result.errors == "error: writing standard output: \(reason)\n", "\(result.errors)")
      }
    }
  }

  /// As with other tools: quietly, with the status that a shell gives a process that SIGPIPE ended.
  @Test(arguments: ["version", "--help", "dump $f", "explain $f", "run $f --input q=q.npy --input k=q.npy --input v=q.npy"])
  func aPipeThatNoOneReads(command: String) throws {
    try withGraph { folder in
      try NumPyFile.write(noise([1, 2, 5, 16], 1), to: folder + "/q.npy")
      // The reader has ended before the first byte is written.
      let result = try shell(
        "f=causal.heed; cd \(folder); (while [ ! -e ended ]; do :; done; $heed \(command); echo $? >status) | (exec <&-; >ended); cat status"
      )
      #expect(result.output == "141\n" && result.errors.isEmpty, "\(command): \(result.output)\(result.errors)")
    }
  }

  /// Vectors and results go the same way, and what else is written is there.
  @Test func aPipeThatNoOneReadsAnyLonger() throws {
    try withSmallModel { model in
      let result = try shell(
        """
        cd \(model)
        (yes '{"text": "a b c"}' 2>/dev/null | head -20000 2>/dev/null | $heed embed --model . --json; echo $? >status) | head -2; cat status
        """)
      let lines = result.output.split(separator: "\n")
      #expect(lines.count == 3 && lines.last == "141" && lines[0].hasPrefix("{\"ids\""), "\(result.output.prefix(1000))")
      #expect(result.errors.isEmpty, "\(result.errors)")
    }
    try withGraph { folder in
      try NumPyFile.write(noise([1, 2, 2000, 16], 1), to: folder + "/q.npy")
      let inputs = "--input q=q.npy --input k=q.npy --input v=q.npy"
      let result = try shell(
        """
        cd \(folder); mkfifo pipe.npy; (sleep 0.2; head -c 10 >/dev/null) <pipe.npy &
        $heed run causal.heed \(inputs) --output out=out.npy --output out=pipe.npy; echo $?
        """)
      #expect(result.output == "141\n" && result.errors.isEmpty, "\(result.output)\(result.errors)")
      #expect(try NumPyFile.read(folder + "/out.npy").shape == [1, 2, 2000, 16])
    }
  }

  /// What was printed before a mistake is there.
  @Test func outputBeforeAnError() throws {
    let type = "f32[S, 72057594037927935]"
    let second = "graph @wide(%x: \(type), %y: \(type)) { %z = linear_attention %x, %y, %y : \(type) return %z }"
    let result = try heed("explain", "-", input: causal + "\n" + second)
    expectFailure(result, "got heads of 72057594037927935")
    #expect(result.output.hasPrefix("graph @causal for"))
  }

  @Test func errorsThatCannotBeWritten() throws {
    for target in ["2>&-", "2>/dev/full"] {
      let missing = try inGraphFolder("$heed run nope.heed \(target)")
      #expect(missing.status == 1 && missing.output.isEmpty && missing.errors.isEmpty)
      #expect(try inGraphFolder("$heed dump $f --nonsense \(target)").status == 64)
      let notes = try inGraphFolder("$heed opt $f --remarks --time-passes \(target)")
      #expect(notes.status == 0 && notes.output.hasPrefix("graph @causal"))
    }
  }

  /// Warnings of the cache and of what measurements found.
  @Test func warningsThatCannotBeWritten() throws {
    try withGraph { folder in
      let array = try noise([1, 2, 5, 16], 1)
      for name in ["q", "k", "v"] { try NumPyFile.write(array, to: "\(folder)/\(name).npy") }
      let inputs = "--input q=q.npy --input k=k.npy --input v=v.npy"
      for target in ["2>&-", "2>/dev/full", "2>warnings"] {
        let script = "cd \(folder); $heed run causal.heed \(inputs) --output out=out.npy \(target)"
        let result = try shell(script, environment: ["HEED_CACHE": "/proc/none"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try NumPyFile.read(folder + "/out.npy").shape == [1, 2, 5, 16])
        try FileManager.default.removeItem(atPath: folder + "/out.npy")
      }
      #expect(try FileBytes.readText(folder + "/warnings").hasPrefix("warning: object cache: "))
      // A closed output is not taken for the file that is written.
      let closed = try shell("cd \(folder); $heed run causal.heed \(inputs) --output out=out.npy >&- 2>&- <&-")
      #expect(closed.status == 0)
      #expect(try NumPyFile.read(folder + "/out.npy").shape == [1, 2, 5, 16])
    }
  }

  @Test(arguments: ["dump -", "opt -", "explain -", "run -", "tune -", "embed --model nowhere"])
  func inputThatCannotBeRead(command: String) throws {
    for (source, reason) in [("0<&-", "Bad file descriptor"), ("</", "Is a directory"), ("0>/dev/null", "Bad file descriptor")] {
      let result = try shell("$heed \(command) \(source)")
      #expect(result.status == 1, "\(command) \(source)")
      #expect(result.errors == "error: reading standard input: \(reason)\n", "\(command) \(source)")
    }
  }

  @Test func inputThatIsNotText() throws {
    let result = try shell("printf 'graph \\xff' | $heed dump -")
    expectFailure(result, "<stdin>: got bytes that are not UTF-8, expected a text")
  }

  /// Output has one way out, and errors another: nothing else of the command's or the libraries' may write to a stream.
  @Test func sourcesWriteToStreamsInOnePlace() throws {
    let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { path, _ in path.deletingLastPathComponent() }
    let forbidden = try Regex(
      #"(^|[^.\w`])print\(|Swift\.print|FileHandle\.standard|\b(fputs|puts|putchar|fwrite|fprintf)\(|\bstd(out|err)\b"#)
    var count = 0
    for folder in ["Sources", "Runtime", "IR"] {
      let files = FileManager.default.enumerator(atPath: root.path + "/" + folder)
      while let file = files?.nextObject() as? String {
        // What kernels are printed with, as text, and the map of code for the profiler perf.
        guard file.hasSuffix(".swift"), !file.hasPrefix("Text/KernelPrinter"), file != "HeedCodegen/LLVM/PerfMap.swift" else {
          continue
        }
        count += 1
        let text = try FileBytes.readText("\(root.path)/\(folder)/\(file)")
        for line in text.split(separator: "\n") where line.contains(forbidden) && !line.contains("func print(") {
          let code = line.drop { $0 == " " }
          if !code.hasPrefix("//") { Issue.record("\(folder)/\(file): \(code)") }
        }
      }
    }
    #expect(count > 300)
  }
}

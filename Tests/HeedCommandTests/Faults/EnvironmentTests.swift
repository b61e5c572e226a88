import Foundation
import Heed
import HeedTestSupport
import Testing

/// Where a process runs: folders that are not there or cannot be written, languages, and times of day.
@Suite struct EnvironmentTests {
  private static let run = "$heed run double.heed --input x=x.npy --output y=out.npy --output z=out.safetensors"

  /// What a script prints, and the files that it writes.
  private func outcome(_ script: String, _ folder: String) throws -> (result: CommandResult, files: [[UInt8]?]) {
    let names = ["out.npy", "out.safetensors"].map { "\(folder)/\($0)" }
    for name in names { try? FileManager.default.removeItem(atPath: name) }
    return (try shell("cd \(folder); \(script)"), names.map { try? FileBytes.read($0) })
  }

  /// A home, a cache or a folder for temporary files that cannot be used: at most one warning, and the same results.
  @Test(arguments: ["HOME", "HEED_CACHE", "XDG_CACHE_HOME", "TMPDIR"]) func foldersThatCannotBeUsed(variable: String) throws {
    try Writer.withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder + "/locked", withIntermediateDirectories: false)
      chmod(folder + "/locked", 0o500)
      defer { chmod(folder + "/locked", 0o700) }
      let usual = try outcome(Self.run, folder)
      // The cache is what HOME and the others decide.
      let others = (variable == "HEED_CACHE" ? "" : "HEED_CACHE= ") + (variable == "HOME" ? "XDG_CACHE_HOME= " : "")
      let places = [
        "\(folder)/new/a", "/proc/none", "/dev/null", "x.npy", "\(folder)/x.npy", "\(folder)/locked/a", "relative/a", "",
        String(repeating: "/long", count: 2000), "/proc/self/fd/9/b",
      ]
      // The others lead to the same code.
      for command in (variable == "HEED_CACHE" ? places : Array(places.suffix(5))).map({
        "\(others)\(variable)='\($0)' \(Self.run)"
      }) + ["env -u \(variable) \(Self.run)"] {
        let (result, files) = try outcome(command, folder)
        let note: Comment = "\(command.prefix(80)): \(result.errors.prefix(1000))"
        #expect(result.status == 0 && files == usual.files && result.output == usual.result.output, note)
        let lines = result.errors.split(separator: "\n")
        #expect(lines.count <= 1 && lines.allSatisfy { $0.hasPrefix("warning: ") }, note)
      }
    }
  }

  /// Nothing in the environment at all.
  @Test func anEmptyEnvironment() throws {
    try Writer.withFolder { folder in
      let result = try shell("cd \(folder); env -i $heed run double.heed --input x=x.npy --output y=out.npy")
      #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    }
  }

  /// The folder that a process runs in is removed: absolute paths work, others are an error in one line.
  @Test func aFolderThatIsGone() throws {
    try Writer.withFolder { folder in
      let gone = "cd \(folder); mkdir gone; cd gone; rmdir ../gone"
      let absolute = "$heed run \(folder)/double.heed --input x=\(folder)/x.npy --output y="
      #expect(try shell("\(gone); \(absolute)\(folder)/out.npy").status == 0)
      expectFailure(try shell("\(gone); \(absolute)out.npy"), "out.npy: No such file or directory")
      expectFailure(try shell("\(gone); $heed run double.heed"), "double.heed: No such file or directory")
      expectFailure(try shell("\(gone); $heed embed --model . --input \(folder)/texts.jsonl"), "No such file or directory")
      #expect(try shell("\(gone); HEED_CACHE=cache \(absolute)\(folder)/out.npy").status == 0)
      #expect(try shell("\(gone); HEED_CACHE=cache $heed explain \(folder)/causal.heed").status == 0)
    }
  }

  /// Languages that write numbers with a comma, or have other rules for letters; and a name that is none.
  @Test func languages() throws {
    try Writer.withFolder { folder in
      // Those that the system has not are made.
      let made = try shell("cd \(folder); for l in de_DE tr_TR; do localedef -i $l -f UTF-8 ./$l.UTF-8 || exit 1; done")
      let commands = [
        "$heed dump double.heed --kernels", "$heed explain causal.heed",
        "$heed inspect model.safetensors",
        "$heed embed --model . --json --input texts.jsonl", "$heed embed --model . --input texts.jsonl", Self.run,
        "$heed train recipe.yaml --output trained", "$heed gradcheck causal.heed --size B=1 --size S=3",
      ]
      for command in commands {
        func outcome(_ name: String) throws -> CommandResult {
          let variables = "LC_ALL=\(name) LANG=\(name) LANGUAGE=\(name) LOCPATH=\(folder) TZ=Asia/Kathmandu"
          return try shell("cd \(folder); rm -rf trained trained.run; \(variables) \(command)")
        }
        let usual = try outcome("C")
        #expect(usual.status == 0, "\(command): \(usual.errors)")
        let isSlow = command.hasPrefix("$heed train") || command.hasPrefix("$heed gradcheck")
        for name in isSlow
          ? ["de_DE.UTF-8"] : made.status == 0 ? ["xx_YY.none", "de_DE.UTF-8", "tr_TR.UTF-8"] : ["xx_YY.none", ""]
        {
          let result = try outcome(name)
          #expect(result.status == 0 && result.output == usual.output, "\(command), \(name): \(result.errors)")
        }
      }
    }
  }

  /// A clock that is wrong, or goes back while a command runs; files of times to come.
  @Test(.enabled(if: Fault.library != nil), arguments: ["-1000000000", "back"]) func timesOfDay(_ shift: String)
    throws
  {
    try Writer.withFolder { folder in
      for writer in shift == "back" ? Writer.all : [Writer.all[3], Writer.all[7], Writer.all[9]] {
        let usual = try writer.run(folder)
        try #require(usual.status == 0, "\(usual.errors)")
        _ = try shell("cd \(folder); rm -rf model model.run objects; find . -exec touch -d '2090-01-01' {} +")
        let result = try writer.run(folder, Fault.clock(shift))
        #expect(result.status == 0, "\(writer.testDescription): \(result.errors)")
        if writer.testDescription == "vectors" { #expect(result.output == usual.output) }
      }
      let trace = try JSON(parsing: FileBytes.read(folder + "/trace.json"))
      let times = try #require(trace["traceEvents"]?.array).compactMap { $0["dur"]?.double }
      #expect(!times.isEmpty && times.allSatisfy { $0 >= 0 && $0 < 1e8 })
    }
  }
}

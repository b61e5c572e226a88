internal import Foundation
internal import HeedIR

extension FileBytes {
  /// Writes `pieces` one after another to `path`, in place of what was there.
  ///
  /// A regular file is written beside `path` under a name that begins with `.heed-`, and then renamed. So the old file stands, whole,
  /// until the new one is complete, and nothing else is left where that fails. The new file has the old one's permissions. A symbolic
  /// link stays, and the file that it names is replaced. Pipes, devices and open files such as `/dev/stdout` are written directly.
  /// - Parameter durably: whether the file is on the disk when the function returns, so that it outlives a loss of power.
  /// - Throws: `HeedError` where the file cannot be created or written; `BrokenPipe` where it is a pipe that nobody reads.
  package static func write(_ pieces: [UnsafeRawBufferPointer], to path: String, durably: Bool = false) throws {
    guard let place = try replaceable(path) else {
      let file = try open(path, O_WRONLY | O_CREAT | O_TRUNC)
      return try write(pieces, to: file, path: path)
    }
    let folder = (place.path as NSString).deletingLastPathComponent
    let name = "\(partPrefix)\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
    let temporary = folder.isEmpty ? name : "\(folder)/\(name)"
    let number = openRepeating(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC)
    guard number >= 0 else { throw systemError("creating a file beside \(path)") }
    do {
      if let old = place.status {
        // Only root may give a file away: where that fails, the new one belongs to this user.
        _ = fchown(number, old.st_uid, old.st_gid)
        fchmod(number, old.st_mode & 0o7777)
      }
      try write(pieces, to: Descriptor(number), path: path, durably: durably)
      guard rename(temporary, place.path) == 0 else { throw systemError("writing \(path)") }
      if durably { try synchronize(folder: folder.isEmpty ? "." : folder, path: path) }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// How the names of files that are being written begin; the number of the process follows.
  private static let partPrefix = ".heed-"

  /// Removes from a folder what processes that have ended left of files that they were writing.
  package static func removeAbandonedParts(in folder: String) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name.hasPrefix(partPrefix) {
      guard let process = name.dropFirst(partPrefix.count).split(separator: "-").first.flatMap({ pid_t($0) }), process > 0 else {
        continue
      }
      if kill(process, 0) != 0, errno == ESRCH { unlink(folder + "/" + name) }
    }
  }

  /// Writes `text`, in UTF-8, in place of the file at `path`.
  package static func write(_ text: String, to path: String) throws {
    var text = text
    try text.withUTF8 { try write([UnsafeRawBufferPointer($0)], to: path) }
  }

  /// Waits until the names in a folder are on the disk.
  private static func synchronize(folder: String, path: String) throws {
    let file = try open(folder, O_RDONLY | O_DIRECTORY)
    defer { try? file.close() }
    do { try file.synchronize() } catch { throw systemError("writing \(path)", error) }
  }

  /// Writes `pieces` to `file` and closes it.
  private static func write(_ pieces: [UnsafeRawBufferPointer], to file: Descriptor, path: String, durably: Bool = false) throws {
    do throws(SystemError) {
      do throws(SystemError) {
        for piece in pieces { try file.write(piece) }
        if durably { try file.synchronize() }
      } catch {
        try? file.close()
        throw error
      }
      try file.close()
    } catch {
      throw writeError(path, error)
    }
  }

  /// The path without symbolic links of the regular file that `path` names, whether it exists or not, and its status where it does. Nil
  /// where `path` names something else, which can only be written as it is.
  static func replaceable(_ path: String) throws -> (path: String, status: stat?)? {
    guard !path.utf8.contains(0) else { throw HeedError("got a path with a zero byte in it") }
    var place = path
    // As many links as the kernel follows.
    for _ in 0...40 {
      var status = stat()
      guard lstat(place, &status) == 0 else {
        guard errno == ENOENT else { throw systemError("opening \(path)") }
        return (place, nil)
      }
      switch status.st_mode & S_IFMT {
      case S_IFREG:
        guard access(place, W_OK) == 0 else { throw systemError("opening \(path)") }
        return (place, status)
      case S_IFLNK:
        let folder = (place as NSString).deletingLastPathComponent
        // The links of /proc are open files and not paths.
        guard !isProcess(folder) else { return nil }
        guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: place) else {
          throw systemError("opening \(path)")
        }
        place = target.hasPrefix("/") || folder.isEmpty ? target : "\(folder)/\(target)"
      default: return nil
      }
    }
    throw systemError("opening \(path)", SystemError(code: ELOOP))
  }

  /// Whether `folder` is in the file system of processes, /proc.
  private static func isProcess(_ folder: String) -> Bool {
    var (own, process) = (stat(), stat())
    return stat(folder.isEmpty ? "." : folder, &own) == 0 && stat("/proc/self", &process) == 0 && own.st_dev == process.st_dev
  }
}

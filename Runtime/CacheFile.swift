internal import Foundation

/// What can be wrong with a cache file.
enum FileError: Error, CustomStringConvertible {
  case missing
  case damaged(String)
  case system(String)

  static func last() -> FileError { .system(String(cString: strerror(errno))) }

  var description: String {
    switch self {
    case .missing: "no such file"
    case .damaged(let reason), .system(let reason): reason
    }
  }
}

/// How large a file is, and how far from now it was used. A time to come, of before the clock was set back, counts as one as long ago.
struct FileUse {
  var byteCount: Int
  var secondsAgo: Double
}

/// The system calls of the object cache.
enum CacheFile {
  static let temporaryPrefix = ".new-"

  /// What lets others than this user and root change a file or folder; nil where nothing does.
  private static func exposure(_ status: stat) -> String? {
    if status.st_uid != geteuid(), status.st_uid != 0 {
      return "it belongs to the user \(status.st_uid), expected \(geteuid()) or root: what is in it would be run"
    }
    guard status.st_mode & (S_IWGRP | S_IWOTH) != 0 else { return nil }
    let mode = String(status.st_mode & 0o7777, radix: 8)
    return "others than its owner may write to it (mode \(mode)), expected no such right: what is in it would be run"
  }

  /// Checks that only this user and root can put files into a folder; one that is not there is none.
  static func checkFolder(_ path: String) throws(FileError) {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR, let reason = exposure(status) { throw .system(reason) }
  }

  /// The bytes of the file at `path`, which only this user and root can change.
  static func read(_ path: String) throws(FileError) -> [UInt8] {
    // Without O_NONBLOCK a named pipe in the file's place would hold us here.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    // No file can be at a path that leads through a file, or is too long.
    guard file >= 0 else { throw [ENOENT, ENOTDIR, ENAMETOOLONG].contains(errno) ? .missing : .last() }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw .last() }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .system("not a file") }
    if let reason = exposure(status) { throw .system(reason) }
    guard status.st_size <= 1 << 30 else { throw .damaged("\(status.st_size) bytes long") }
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
      while count < buffer.count {
        let got = Foundation.read(file, buffer.baseAddress! + count, buffer.count - count)
        if got < 0, errno == EINTR { continue }
        if got < 0 { failure = .last() }
        guard got > 0 else { break }
        count += got
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Puts a file with `bytes` at `path`, in one step for all readers, making `directory` first where it is missing.
  /// - Parameter durably: whether the bytes are on the disk before the file takes its place.
  static func write(_ bytes: [UInt8], to path: String, in directory: String, durably: Bool = false) throws(FileError) {
    let temporary = "\(directory)/\(temporaryPrefix)\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
    var file = open(temporary, flags, 0o600)
    if file < 0, errno == ENOENT {
      try makeDirectory(directory)
      file = open(temporary, flags, 0o600)
    }
    guard file >= 0 else { throw .last() }
    var failure: FileError?
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty, failure == nil {
        let put = Foundation.write(file, UnsafeRawBufferPointer(rebasing: rest).baseAddress!, rest.count)
        if put >= 0 { rest = rest.dropFirst(put) } else if errno != EINTR { failure = .last() }
      }
    }
    if durably, failure == nil, fsync(file) != 0, errno != EINVAL { failure = .last() }
    if close(file) != 0, failure == nil { failure = .last() }
    if failure == nil, rename(temporary, path) != 0 { failure = .last() }
    if let failure {
      unlink(temporary)
      throw failure
    }
  }

  /// Makes `path` and the folders above it, for this user alone: what is in there is run.
  private static func makeDirectory(_ path: String) throws(FileError) {
    if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    let parent = (path as NSString).deletingLastPathComponent
    guard errno == ENOENT, !parent.isEmpty, parent != path else { throw .last() }
    try makeDirectory(parent)
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .last() }
  }

  /// Sets the time of the file at `path` to now. Failure only means that it may be evicted early.
  static func markUsed(_ path: String) {
    _ = utimensat(AT_FDCWD, path, nil, 0)
  }

  /// The size and the age of the file at `path`; nil where there is none.
  static func use(_ path: String) -> FileUse? {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    let modified = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
    return FileUse(byteCount: Int(status.st_size), secondsAgo: abs(Date().timeIntervalSince1970 - modified))
  }
}

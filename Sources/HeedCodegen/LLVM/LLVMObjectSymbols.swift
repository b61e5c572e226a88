internal import CLLVM
internal import HeedIR

/// A function that an object file defines.
package struct ObjectSymbol: Hashable {
  package let name: String
  /// Bytes of code.
  package let byteCount: Int
}

/// The functions that the object file `bytes` defines, in the file's order.
/// - Throws: where the bytes are not an object file.
package func objectSymbols(_ bytes: [UInt8]) throws -> [ObjectSymbol] {
  let buffer = bytes.withUnsafeBytes {
    LLVMCreateMemoryBufferWithMemoryRangeCopy($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count, "object")
  }
  defer { LLVMDisposeMemoryBuffer(buffer) }
  var message: UnsafeMutablePointer<CChar>?
  guard let binary = LLVMCreateBinary(buffer, nil, &message) else {
    defer { LLVMDisposeMessage(message) }
    throw HeedError("reading object code: \(oneLine(message))")
  }
  defer { LLVMDisposeBinary(binary) }
  let iterator = LLVMObjectFileCopySymbolIterator(binary)
  defer { LLVMDisposeSymbolIterator(iterator) }
  var symbols: [ObjectSymbol] = []
  while LLVMObjectFileIsSymbolIteratorAtEnd(binary, iterator) == 0 {
    let size = Int(LLVMGetSymbolSize(iterator))
    if size > 0, let name = LLVMGetSymbolName(iterator), name.pointee != 0 {
      symbols.append(ObjectSymbol(name: String(cString: name), byteCount: size))
    }
    LLVMMoveToNextSymbol(iterator)
  }
  return symbols
}

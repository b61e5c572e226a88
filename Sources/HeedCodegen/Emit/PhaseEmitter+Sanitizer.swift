internal import HeedIR

/// What AddressSanitizer is told of scratch memory, which is one block to it: each tile ends in bytes that may not be touched.
extension PhaseEmitter {
  /// Opens the bytes of a tile, and closes those between it and the next: here its life begins, and that of tiles that had them ends.
  func guardTile(_ tile: Tile, _ base: LLVMValue) throws {
    let byteCount = try ScratchLayout.byteCount(tile)
    tell("__asan_unpoison_memory_region", base, byteCount)
    let end = builder.address(base, emitter.index(byteCount), of: emitter.module.context.integer(8))
    tell("__asan_poison_memory_region", end, ScratchLayout.span(byteCount) - byteCount)
  }

  /// Opens all scratch memory, which other kernels divide in another way.
  func openScratch() throws {
    let tiles = layout.tiles.filter { !$0.tile.isScalar }
    if let end = try tiles.map({ try $0.offset + ScratchLayout.span(ScratchLayout.byteCount($0.tile)) }).max() {
      tell("__asan_unpoison_memory_region", scratch!, end)
    }
  }

  private func tell(_ function: String, _ start: LLVMValue, _ byteCount: Int) {
    let type = LLVMType.function([emitter.pointer, emitter.int64], to: emitter.module.context.void)
    _ = builder.call(emitter.module.externalFunction(function, type), [start, emitter.index(byteCount)])
  }
}

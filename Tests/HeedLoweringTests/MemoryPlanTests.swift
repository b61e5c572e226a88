import HeedIR
import HeedLowering
import Testing

/// Which buffers of a program share memory.
@Suite struct MemoryPlanTests {
  /// A program of calls on buffers: input `x`, intermediates by name, all f32 with the extent given, and result `y`.
  private func plan(_ extents: KeyValuePairs<String, Extent>, _ steps: [[String]]) -> [String: Int] {
    var program = Program(name: "planned")
    program.buffers = [Program.Buffer("x", TensorType(.f32, ["S"]), .input), Program.Buffer("y", TensorType(.f32, ["S"]), .result)]
    program.buffers += extents.map { Program.Buffer(Name($0.key), TensorType(.f32, [$0.value]), .slot(0)) }
    program.results = [Program.Result(name: "y", buffer: 1)]
    program.steps = steps.map { names in
      Program.Call(
        kernel: 0, operands: names.map { name in Program.Operand(buffer: program.buffers.firstIndex { $0.name.text == name }!) },
        symbols: [])
    }
    planMemory(&program)
    var slots: [String: Int] = [:]
    for buffer in program.buffers { if case .slot(let slot) = buffer.storage { slots[buffer.name.text] = slot } }
    // Buffers that no call names are gone, and calls still name the same buffers.
    #expect(program.steps.map { $0.operands.map { program.buffers[$0.buffer].name.text } } == steps)
    #expect(program.buffers[program.results[0].buffer].name == "y")
    return slots
  }

  @Test func aChainTakesTwoSlots() {
    let slots = plan(["a": "S", "b": "S", "c": "S"], [["x", "a"], ["a", "b"], ["b", "c"], ["c", "y"]])
    #expect(slots == ["a": 0, "b": 1, "c": 0])
  }

  @Test func whatIsReadLaterKeepsItsSlot() {
    let slots = plan(["a": "S", "b": "S", "c": "S"], [["x", "a"], ["a", "b"], ["b", "c"], ["a", "c", "y"]])
    #expect(slots == ["a": 0, "b": 1, "c": 2])
  }

  @Test func aFreeSlotOfTheSameSizeIsPreferred() {
    let slots = plan(
      ["a": "S", "b": "T", "c": "S", "d": "S"], [["x", "a"], ["a", "b"], ["x", "c"], ["b", "c", "y"], ["x", "d"], ["d", "y"]])
    #expect(slots["a"] == 0 && slots["b"] == 1)
    #expect(slots["c"] == 0 && slots["d"] == 0)
  }

  @Test func elseTheOneFreedLastIsTaken() {
    let slots = plan(["a": "S", "b": "T", "c": "U"], [["x", "a"], ["x", "b"], ["b", "y"], ["x", "c"], ["c", "y"]])
    #expect(slots == ["a": 0, "b": 0, "c": 0])
    let apart = plan(["a": "S", "b": "T", "c": "U"], [["x", "a", "b"], ["a", "y"], ["b", "y"], ["x", "c"], ["c", "y"]])
    #expect(apart == ["a": 0, "b": 1, "c": 1])
  }

  @Test func unusedBuffersAreDropped() {
    #expect(plan(["unused": "S", "a": "S"], [["x", "a"], ["a", "y"]]) == ["a": 0])
  }
}

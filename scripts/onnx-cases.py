"""Makes Tests/Resources/ONNX from the test suite of ONNX, with the PyPI packages onnx 1.23.2 and ml_dtypes (numpy 2).

Usage: python3 scripts/onnx-cases.py. It writes
cases.jsonl          one case a line: its name, operator, opset, attributes (graphs as ONNX's text) and the names of the inputs and outputs
                     that it has, as the operator's schema calls them; tolerances where they are not ONNX's usual ones;
cases.safetensors    the arrays, called CASE/input/NAME and CASE/output/NAME.
"""
import json
import os
import struct
import warnings

import numpy as np
import onnx
from onnx import defs, helper, numpy_helper, printer
from onnx.backend.test.case.node import collect_testcases

warnings.simplefilter("ignore")
operators = ["Attention", "RotaryEmbedding", "FlexAttention"]
folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "Tests", "Resources", "ONNX")
types = {"float16": "F16", "float32": "F32", "float64": "F64", "bfloat16": "BF16", "int64": "I64", "int32": "I32", "bool": "BOOL"}


def attribute(value):
    if value.type == onnx.AttributeProto.GRAPH:
        return printer.to_text(value.g)
    return helper.get_attribute_value(value)


lines, arrays = [], {}
for case in collect_testcases(None):
    node = case.model.graph.node[0]
    # Of a case "expanded", the model is the operator's function body.
    if len(case.model.graph.node) != 1 or node.op_type not in operators or case.name.endswith("_expanded"):
        continue
    name = case.name.removeprefix("test_")
    opset = {entry.domain: entry.version for entry in case.model.opset_import}[node.domain]
    schema = defs.get_schema(node.op_type, opset, node.domain)
    entry = {"name": name, "operator": node.op_type, "opset": opset}
    entry["attributes"] = {value.name: attribute(value) for value in node.attribute}
    (inputs, outputs), = case.data_sets
    for role, given, formal, values in [
        ("input", node.input, schema.inputs, inputs), ("output", node.output, schema.outputs, outputs)
    ]:
        formal_names = [formal[place].name for place, actual in enumerate(given) if actual]
        entry[role + "s"] = formal_names
        for formal_name, value in zip(formal_names, values, strict=True):
            array = value if isinstance(value, np.ndarray) else numpy_helper.to_array(value)
            arrays[f"{name}/{role}/{formal_name}"] = np.ascontiguousarray(array)
    if (case.rtol, case.atol) != (1e-3, 1e-7):
        entry["rtol"], entry["atol"] = case.rtol, case.atol
    lines.append(json.dumps(entry) + "\n")

header, data = {"__metadata__": {"source": "onnx " + onnx.__version__, "license": "Apache-2.0"}}, b""
# Wide elements first, so that all lie aligned.
for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize):
    bytes_ = array.tobytes()
    header[name] = {"dtype": types[array.dtype.name], "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(bytes_)]}
    data += bytes_
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, "cases.safetensors"), "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
with open(os.path.join(folder, "cases.jsonl"), "w", encoding="utf-8") as file:
    file.writelines(lines)
print(f"{len(lines)} cases, {len(arrays)} arrays, {len(data)} bytes")

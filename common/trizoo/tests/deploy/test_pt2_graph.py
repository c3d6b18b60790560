""".pt2 files without PyTorch: what is read of them, and that nothing else is opened."""

import contextlib
import copy
import json
import zipfile

import numpy as np
import pytest

from trizoo.deploy import archives, pt2_graph
from trizoo.deploy.pt2_graph import Name, Special
from trizoo.ground.errors import UserError

WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)


def tensor(name):
    return {"as_tensor": {"name": name}}


def node(target, inputs, *outputs):
    given = [{"name": "x", "arg": arg, "kind": 1} for arg in inputs]
    return {"target": target, "inputs": given, "outputs": [tensor(name) for name in outputs], "name": "n"}


PROGRAM = {
    "graph_module": {
        "graph": {
            "inputs": [tensor("w"), tensor("images")],
            "nodes": [
                node("torch.ops.aten._to_copy.default", [tensor("images"), {"as_scalar_type": 7}], "cast"),
                node("torch.ops.aten.mul.Tensor", [tensor("cast"), tensor("w")], "product"),
                node("torch.ops.aten.add.Tensor", [tensor("cast"), {"as_float": "-Infinity"}], "sum"),
                node("torch.ops.aten._assert_scalar.default", [{"as_bool": True}]),
            ],
            "outputs": [tensor("product"), tensor("sum")],
        },
        "signature": {
            "input_specs": [
                {"parameter": {"arg": {"name": "w"}, "parameter_name": "net.w"}},
                {"user_input": {"arg": tensor("images")}},
            ]
        },
    }
}


def payload(**changes):
    lengths = {
        "sizes": [{"as_int": 2}, {"as_int": 3}],
        "strides": [{"as_int": 3}, {"as_int": 1}],
        "storage_offset": {"as_int": 0},
    }
    return {"path_name": "weight_0", "use_pickle": False, "tensor_meta": {"dtype": 7, **lengths}, **changes}


@pytest.fixture
def write(tmp_path):
    """Writes a .pt2 with members besides, or instead: a path."""

    def make(members=None, program=PROGRAM, **changes):
        whole = {
            "a/models/model.json": json.dumps(program),
            "a/data/weights/weight_0": WEIGHT.tobytes(),
            "a/data/weights/model_weights_config.json": json.dumps({"config": {"net.w": payload(**changes)}}),
            "a/data/constants/model_constants_config.json": '{"config": {}}',
            "a/data/sample_inputs/model.pt": "",
            "a/extra/trizoo.json": '{"a": "ü"}',
            "a/byteorder": "little",
            **(members or {}),
        }
        path = tmp_path / "a.pt2"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in whole.items():
                archive.writestr(name, content)
        return path

    return make


def test_graph_and_weights_are_read(write):
    graph, arrays = pt2_graph.read(write())
    np.testing.assert_array_equal(arrays.pop("w"), WEIGHT)
    assert arrays == {}
    assert [step.target.split(".")[-2] for step in graph.steps] == ["_to_copy", "mul", "add"]
    assert graph.steps[0].arguments == (Name("images"), Special("dtype", 7))
    assert graph.steps[2].arguments[1] == -np.inf


def test_a_part_has_the_steps_of_its_outputs_and_forgets_what_nothing_needs_any_more(write):
    graph, _ = pt2_graph.read(write())
    assert [step.results for step, _ in graph.part(["sum"])] == [("cast",), ("sum",)]
    assert [unneeded for _, unneeded in graph.part(["product"])] == [{"images"}, {"cast", "w"}]


def test_the_notes_are_a_member(write):
    assert archives.read_notes(write()) == '{"a": "ü"}'


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"a/data/sample_inputs/model.pt": b"\x80\x02."}, "holds pickled examples of its input, which trizoo export"),
        ({"a/data/constants/custom_obj_0": b"x"}, r"holds a member 'a/data/constants/custom_obj_0', which trizoo"),
        ({"a/data/weights/model.pt": b"x"}, "holds a member 'a/data/weights/model.pt'"),
        ({"a/data/aotinductor/model/a.so": b"x"}, "holds a member 'a/data/aotinductor/model/a.so'"),
        ({"b/byteorder": "little"}, "holds a member 'b/byteorder'"),
        ({"a/byteorder": "big"}, "holds numbers whose highest byte comes first"),
        ({"a/models/model.json": "[" * 100_000}, "isn't written as torch.export does"),
        ({"a/models/model.json": "{}"}, "isn't written as torch.export does"),
        ({"a/models/model.json": " " * (17 << 20)}, "has no 'a/models/model.json', or more than 16 MiB"),
        ({"a/data/weights/weight_0": b"1234"}, "holds 'net.w' of 4 bytes for the shape"),
    ],
)
def test_other_members_end_in_a_sentence(write, members, sentence):
    with pytest.raises(UserError, match=sentence):
        pt2_graph.read(write(members))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"use_pickle": True}, "holds a pickled 'net.w', which trizoo export doesn't write; so it isn't opened"),
        ({"path_name": "../../etc/passwd"}, "isn't written as torch.export does"),
        ({"tensor_meta": None}, "isn't written as torch.export does"),
    ],
)
def test_other_weights_end_in_a_sentence(write, changes, sentence):
    with pytest.raises(UserError, match=sentence):
        pt2_graph.read(write(**changes))


@pytest.mark.parametrize(
    "target", ["torch.os.system", "torch.ops.aten.from_file.default", "_operator.attrgetter", "math.exp", "#other", 7]
)
def test_an_operator_of_no_network_is_not_looked_up(write, target):
    program = copy.deepcopy(PROGRAM)
    program["graph_module"]["graph"]["nodes"][1]["target"] = target
    with pytest.raises(UserError, match=r"holds an operator '.*', which trizoo export doesn't write"):
        pt2_graph.read(write(program=program))


@pytest.mark.parametrize(
    "argument",
    [
        {"as_sym_int": {"as_expr": {"expr_str": "__import__('os').abort()"}}},
        {"as_custom_obj": {"name": "a", "class_fqn": "b"}},
        {"as_int": "1"},
        {"as_ints": [1, "2"]},
        {"as_string": ["a"]},
    ],
)
def test_an_argument_of_no_network_is_not_evaluated(write, argument):
    program = copy.deepcopy(PROGRAM)
    program["graph_module"]["graph"]["nodes"][1]["inputs"][1]["arg"] = argument
    with pytest.raises(UserError, match="holds an argument 'as_"):
        pt2_graph.read(write(program=program))


def test_a_second_input_is_one_too_many(write):
    program = copy.deepcopy(PROGRAM)
    program["graph_module"]["signature"]["input_specs"][0] = {"user_input": {"arg": tensor("w")}}
    with pytest.raises(UserError, match=r"a\.pt2 has 2 inputs; images alone are needed"):
        pt2_graph.read(write(program=program))


def test_cut_short_it_is_a_damaged_archive(write):
    path = write()
    whole = path.read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"a\.pt2 is a damaged zip archive"):
            archives.read_notes(path)


def test_any_byte_changed_ends_in_a_graph_or_a_sentence(write):
    path = write()
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        with contextlib.suppress(UserError):  # anything else would be a failure
            pt2_graph.read(path)


def test_what_is_no_file_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="is no file; the path of a file of trizoo export is needed"):
        archives.read_notes(tmp_path)
    with pytest.raises(UserError, match=r"missing\.pt2 can't be read: No such file"):
        archives.read_notes(tmp_path / "missing.pt2")

import pytest
from pydantic import ValidationError, field_validator

from trizoo.ground.errors import UserError
from trizoo.recipes.load import from_dict, load, parse_assignment, to_dict


def option(key, value, flag="--x"):
    return key, value, f"command line {flag}"


def test_defaults_alone_make_a_recipe(schema):
    loaded = load(schema, overrides=[option("name", "a")])
    assert loaded.recipe == schema(name="a")
    assert loaded.origins["schedule.lr"] == "default"


def test_a_recipe_cannot_be_changed(load_text):
    with pytest.raises(ValidationError):
        load_text("name: a").recipe.schedule.lr = 1


def test_command_line_beats_file_beats_base_beats_default(schema, write, tmp_path):
    write("shipped.yaml", "name: base\nworkers: 1\namp: false\ninput_size: [320, 320]\n")
    file = write("my.yaml", "name: file\nworkers: 2\n")
    loaded = load(schema, base="shipped", file=file, folder=tmp_path, overrides=[option("name", "line", "--name")])
    recipe = loaded.recipe
    assert (recipe.name, recipe.workers, recipe.amp, recipe.schedule.epochs) == ("line", 2, False, 100)
    assert {key: loaded.origins[key] for key in ("name", "workers", "amp", "schedule.epochs")} == {
        "name": "command line --name",
        "workers": "file my.yaml",
        "amp": "base shipped.yaml",
        "schedule.epochs": "default",
    }


def test_the_later_override_wins(load_text):
    loaded = load_text("name: a", option("amp", False, "--a"), option("amp", True, "--b"))
    assert loaded.recipe.amp is True
    assert loaded.origins["amp"] == "command line --b"


def test_origins_name_every_leaf_in_the_order_of_the_schema(load_text):
    assert list(load_text("name: a\naugment: [{op: flip}]\nweights: {b: 1, a: 2}").origins) == [
        "name",
        "classes",
        "input_size",
        "anchors",
        "workers",
        "amp",
        "augment.0.op",
        "augment.0.probability",
        "loss.kind",
        "loss.gamma",
        "schedule.epochs",
        "schedule.iterations",
        "schedule.lr",
        "schedule.kind",
        "weights.b",
        "weights.a",
    ]


def test_what_the_schema_makes_of_a_single_value_comes_from_that_value(schema, write):
    class Short(schema):
        @field_validator("schedule", mode="before")
        @classmethod
        def _from_epochs(cls, value):
            return {"epochs": value} if isinstance(value, int) else value

    origins = load(Short, file=write("my.yaml", "name: a\nschedule: 7\n")).origins
    assert origins["schedule.epochs"] == origins["schedule.lr"] == "file my.yaml"


def test_values_that_an_item_of_a_list_leaves_out_are_defaults(load_text):
    origins = load_text("name: a\naugment:\n  - op: flip\n").origins
    assert (origins["augment.0.op"], origins["augment.0.probability"]) == ("file my.yaml", "default")


def test_mappings_merge_deeply_and_lists_replace(schema, write):
    write("base.yaml", "name: a\nschedule: {epochs: 5, kind: step}\nclasses: [a, b, c]\n")
    recipe = load(schema, file=write("my.yaml", "_base_: base.yaml\nschedule: {epochs: 6}\nclasses: [d]\n")).recipe
    assert (recipe.schedule.epochs, recipe.schedule.kind, recipe.classes) == (6, "step", ("d",))


def test_defaults_of_an_instance_stay_where_a_sibling_is_given(load_text):
    # schedule's default has lr 0.02, the class Schedule itself 0.01
    assert load_text("name: a\nschedule: {epochs: 3}").recipe.schedule.lr == 0.02


def test_null_replaces_what_is_below(schema, write):
    write("base.yaml", "name: a\nschedule: {epochs: 5}\nanchors: [[1, 2]]\n")
    recipe = load(schema, file=write("my.yaml", "_base_: base.yaml\nschedule: {epochs: null}\nanchors: ~\n")).recipe
    assert (recipe.schedule.epochs, recipe.anchors) == (None, None)


def test_another_kind_in_a_union_replaces_the_whole_mapping(schema, load_text):
    # the default is kind focal with gamma 1.5, and cross_entropy knows no gamma
    assert load_text("name: a\nloss: {kind: cross_entropy}").recipe.loss.smoothing == 0
    loaded = load_text("name: a\nloss: {gamma: 3}")
    assert loaded.recipe.loss.gamma == 3
    assert loaded.origins["loss.kind"] == "default"
    loaded = load_text("name: a", option("augment.0.op", "flip"))
    assert loaded.recipe.augment[0] == loaded.recipe.augment[1]


def test_a_file_needs_no_base_and_may_have_an_empty_one(load_text):
    assert load_text("name: a\n_base_:\n").recipe == load_text("name: a\n").recipe


def test_of_several_bases_the_later_wins(schema, write, tmp_path):
    write("one.yaml", "name: one\nworkers: 1\n")
    write("two.yaml", "name: two\n")
    file = write("my.yaml", "_base_: [one, ./two.yaml]\n")
    loaded = load(schema, file=file, folder=tmp_path)
    assert (loaded.recipe.name, loaded.recipe.workers) == ("two", 1)
    assert (loaded.origins["name"], loaded.origins["workers"]) == ("base two.yaml", "base one.yaml")


def test_a_path_in_a_base_is_seen_from_its_own_file(schema, write, tmp_path, monkeypatch):
    write("sets/common.yaml", "name: deep\n")
    write("sets/voc/base.yaml", "_base_: ../common.yaml\n")
    write("my.yaml", "_base_: sets/voc/base.yaml\n")
    monkeypatch.chdir(tmp_path)
    loaded = load(schema, file="my.yaml")
    assert loaded.recipe.name == "deep"
    assert loaded.origins["name"] == "base common.yaml"


def test_a_bare_name_is_a_shipped_recipe_even_beside_a_file_of_that_name(schema, write, tmp_path):
    write("shipped/yolov3.yaml", "name: shipped\n")
    file = write("yolov3.yaml", "_base_: yolov3\nworkers: 3\n")
    assert load(schema, file=file, folder=tmp_path / "shipped").recipe.name == "shipped"
    assert load(schema, file="yolov3", folder=tmp_path / "shipped").recipe.name == "shipped"


def test_two_bases_may_share_one(schema, write):
    write("root.yaml", "name: root\nworkers: 1\n")
    write("left.yaml", "_base_: root.yaml\n")
    write("right.yaml", "_base_: root.yaml\nworkers: 2\n")
    assert load(schema, file=write("my.yaml", "_base_: [left.yaml, right.yaml]\n")).recipe.workers == 2


def test_a_circle_of_bases_is_an_error_that_names_the_chain(schema, write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("a.yaml", "_base_: b.yaml\n")
    write("b.yaml", "_base_: ./c.yaml\n")
    write("c.yaml", "_base_: a.yaml\n")
    with pytest.raises(UserError, match=r"in a circle through _base_: a.yaml -> b.yaml -> c.yaml -> a.yaml$"):
        load(schema, file="a.yaml")


def test_a_missing_base_names_the_nearest_shipped_recipe(schema, write, tmp_path):
    write("yolov3.voc.yaml", "name: a\n")
    write("ssd300.voc.yaml", "name: a\n")
    file = write("my.yaml", "name: a\n_base_: yolov3.vok\n")
    with pytest.raises(
        UserError, match=r"my.yaml line 2: there is no recipe yolov3.vok.yaml; did you mean 'yolov3.voc'\?$"
    ):
        load(schema, file=file, folder=tmp_path)
    with pytest.raises(UserError, match=r"^there is no recipe zzz.yaml; known are my, ssd300.voc, yolov3.voc$"):
        load(schema, base="zzz", folder=tmp_path)
    with pytest.raises(UserError, match=r"no recipe .*nowhere.yolov3.voc.yaml; did you mean 'yolov3.voc'\?$"):
        load(schema, file=tmp_path / "nowhere" / "yolov3.voc.yaml", folder=tmp_path)


@pytest.mark.parametrize("base", ["3", "[1]", "{a: b}", "''", r'"a\0b"', "[[a]]"])
def test_a_base_that_is_no_name_is_an_error(load_text, base):
    with pytest.raises(UserError, match=r"my.yaml line 2: _base_ is .*; the name of a recipe or a list is needed"):
        load_text(f"name: a\n_base_: {base}\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "my.yaml is empty; a recipe is a mapping"),
        (b"# nothing\n", "my.yaml is empty; a recipe is a mapping"),
        (b"- a\n", "my.yaml holds a list; a recipe is a mapping"),
        (b"hello\n", "my.yaml holds the value 'hello'; a recipe is a mapping"),
        (b"name: \xff\n", r"my.yaml is not UTF-8 text \(byte 6\)"),
        ("name: a".encode("utf-16"), r"my.yaml is not UTF-8 text \(byte 0\)"),
    ],
)
def test_a_file_that_is_no_recipe_is_an_error(load_text, content, message):
    with pytest.raises(UserError, match=message):
        load_text(content)


def test_a_folder_in_the_place_of_a_file_is_an_error(schema, tmp_path):
    (tmp_path / "my.yaml").mkdir()
    with pytest.raises(UserError, match=r"my.yaml cannot be read: Is a directory"):
        load(schema, file=tmp_path / "my.yaml")


def test_a_byte_order_mark_windows_line_ends_and_any_script_are_fine(load_text):
    assert load_text("\ufeffname: Ж 名前\r\nclasses: [猫, 犬]\r\n").recipe.classes == ("猫", "犬")


def test_class_names_that_yaml_1_1_takes_for_something_else_stay_text(load_text):
    recipe = load_text("name: 12:30\nclasses: [no, yes, on, off, n, 2024-01-01, 1_000]\n").recipe
    assert recipe.name == "12:30"
    assert recipe.classes == ("no", "yes", "on", "off", "n", "2024-01-01", "1_000")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("-2E5", -2e5),
        (".5", 0.5),
        ("3", 3),
        ("0x10", 16),
        ("true", True),
        ("null", None),
        ("none", None),
        ("None", None),
        (" ~ ", None),
        ("'none'", "none"),
        ('"3"', "3"),
        ("no", "no"),
        ("[1, 2.5, a b]", [1, 2.5, "a b"]),
        ("{op: flip}", {"op": "flip"}),
        ("[]", []),
        ("''", ""),
        ("a=b", "a=b"),
        ("собака", "собака"),
    ],
)
def test_an_assignment_is_read_as_yaml(text, value):
    key, got, origin = parse_assignment(f"schedule.lr={text}")
    assert (key, got, origin) == ("schedule.lr", value, "command line --set schedule.lr")
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr", "an assignment is needed"),
        ("=3", "an assignment is needed"),
        ("a..b=3", "'a..b' has an empty part"),
        (".a=3", "'.a' has an empty part"),
        ("a=", "there is no value after the equals sign"),
        ("a=#3", "there is no value after the equals sign"),
        ("a=[1, 2", "command line --set a: this is no YAML: "),
        ("a=*.jpg", "command line --set a: this is no YAML: "),
    ],
)
def test_a_bad_assignment_is_an_error(text, message):
    with pytest.raises(UserError, match=message):
        parse_assignment(text)


def test_an_index_changes_one_value_of_a_list(load_text):
    loaded = load_text("name: a\naugment: [{op: jitter, jitter: 0.5}]", parse_assignment("augment.0.jitter=0.2"))
    assert loaded.recipe.augment[0].jitter == 0.2
    assert loaded.origins["augment.0.op"] == "file my.yaml"
    assert loaded.origins["augment.0.jitter"] == "command line --set augment.0.jitter"


def test_an_index_reaches_into_defaults_too(load_text):
    loaded = load_text("name: a", parse_assignment("augment.1.probability=1"), parse_assignment("input_size.0=320"))
    assert [operation.op for operation in loaded.recipe.augment] == ["jitter", "flip"]
    assert loaded.recipe.augment[1].probability == 1
    assert loaded.recipe.input_size == (320, 416)
    assert loaded.origins["input_size"] == "command line --set input_size.0, default"


@pytest.mark.parametrize("index", ["2", "-1", "first", "0x0"])
def test_an_index_that_does_not_exist_is_an_error(load_text, index):
    with pytest.raises(
        UserError, match=f"--set augment.{index}.op: augment is a list of 2, without '{index}'; an index"
    ):
        load_text("name: a", parse_assignment(f"augment.{index}.op=flip"))
    with pytest.raises(UserError, match="classes is a list of 0, without '0'; it is empty"):
        load_text("name: a", parse_assignment("classes.0=a"))


def test_a_key_below_a_plain_value_is_an_error(load_text):
    with pytest.raises(UserError, match=r"--set name.a: name is 'x', a value without keys; 'a' has no place there"):
        load_text("name: x", parse_assignment("name.a=3"))


def test_an_assignment_reaches_below_null_and_into_mappings(load_text):
    recipe = load_text(
        "name: x\nweights: {a: 1}\nschedule:\n", parse_assignment("weights.b=2"), option("schedule.lr", 1)
    )
    assert recipe.recipe.weights == {"a": 1, "b": 2}
    assert recipe.recipe.schedule.lr == 1


def test_from_dict_of_to_dict_is_the_same_recipe(schema, load_text):
    recipe = load_text("name: Ж\nschedule: {lr: 0.30000000000000004}\naugment: [{op: flip}]\nweights: {a: .inf}").recipe
    assert from_dict(schema, to_dict(recipe), "checkpoint a.h5") == recipe


def test_a_key_unknown_to_the_schema_in_a_checkpoint_names_the_checkpoint(schema):
    mapping = to_dict(schema(name="a"))
    mapping["schedule"]["momentumm"] = 3
    with pytest.raises(
        UserError, match=r"^checkpoint runs/last.h5: unknown key 'schedule.momentumm'; known are epochs"
    ):
        from_dict(schema, mapping, "checkpoint runs/last.h5")


def test_a_file_whose_name_does_not_end_in_yaml_is_told_so(schema, write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("mine.txt", "name: a\n")
    with pytest.raises(UserError, match=r"^mine\.txt is there, but the name of a recipe file ends in \.yaml or \.yml"):
        load(schema, file="mine.txt", folder=tmp_path / "none")
    file = write("child.yaml", "_base_: mine.txt\n")
    with pytest.raises(UserError, match=r"child\.yaml line 1: .*mine\.txt is there, but the name of a recipe file"):
        load(schema, file=file)


def test_an_empty_name_is_told_so(schema):
    with pytest.raises(UserError, match="the recipe's name is empty; a file, or the name of a recipe"):
        load(schema, file="")

import pytest

from trizoo.ground.errors import UserError
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nschedule:\n  epoch: 3\n", "line 3: unknown key 'schedule.epoch'; did you mean 'epochs'?"),
        ("name: a\nepochs: 3\n", "line 2: unknown key 'epochs'; did you mean 'schedule.epochs'?"),
        ("name: a\nkind: x\n", "line 2: unknown key 'kind'; did you mean 'loss.kind' or 'schedule.kind'?"),
        (
            "name: a\nschedule: {zzz: 3}\n",
            "line 2: unknown key 'schedule.zzz'; known are epochs, iterations, lr, kind",
        ),
        ("name: a\nschedule:\n  lr: -1\n", "line 3: schedule.lr is -1; it should be greater than 0"),
        ("name: a\nschedule: {lr: fast}\n", "line 2: schedule.lr is 'fast'; it should be a valid number"),
        ("name: a\nschedule: {epochs: 1.5}\n", "line 2: schedule.epochs is 1.5; it should be a valid integer"),
        ("name: a\nschedule: {kind: cos}\n", "line 2: schedule.kind is 'cos'; it should be 'cosine' or 'step'"),
        ("name: a\nschedule: {lr: }\n", "line 2: schedule.lr is null; it should be a valid number"),
        ("name: a\nschedule:\n", "line 2: schedule is null; it should be a mapping of keys to values"),
        ("name: a\namp: perhaps\n", "line 2: amp is 'perhaps'; it should be a valid boolean"),
        ("name: true\n", "line 1: name is true; it should be a valid string"),
        ("name: a\nworkers: many\n", "line 2: workers is 'many'; it should be a valid integer or 'auto'"),
        ("name: a\ninput_size: 416\n", "line 2: input_size is 416; it should be a list"),
        ("name: a\ninput_size: [416]\n", "line 2: input_size is [416]; it should have more values"),
        (
            "name: a\ninput_size: [1, 2, 3]\n",
            "line 2: input_size is [1, 2, 3]; it should be a list of at most 2 (it has 3)",
        ),
        ("name: a\nanchors:\n- [1, 2]\n- [x, 4]\n", "line 4: anchors.1.0 is 'x'; it should be a valid number"),
        ("name: a\nweights: {cat: x}\n", "line 2: weights.cat is 'x'; it should be a valid number"),
        ("name: a\naugment:\n- op: flop\n", "line 3: augment.0.op is 'flop'; did you mean 'flip'?"),
        ("name: a\naugment:\n- op: zzz\n", "line 3: augment.0.op is 'zzz'; known are jitter, flip"),
        ("name: a\naugment:\n- {p: 1}\n", "line 3: augment.0 has no 'op', which says what it is"),
        (
            "name: a\naugment:\n- op: flip\n  jitter: 1\n",
            "line 4: unknown key 'augment.0.jitter', which only jitter has, and augment.0.op is flip; leaving it out "
            "would do",
        ),
        (
            "name: a\naugment:\n- op: flip\n  zzz: 1\n",
            "line 4: unknown key 'augment.0.zzz'; known are op, probability",
        ),
        (
            "name: a\nloss: {kind: focal, smoothing: 1}\n",
            "line 2: unknown key 'loss.smoothing', which only cross_entropy has, and loss.kind is focal; leaving it "
            "out would do",
        ),
        (
            "name: a\naugment:\n- op: flip\n  probabilty: 1\n",
            "line 4: unknown key 'augment.0.probabilty'; did you mean 'probability'?",
        ),
        (
            "name: a\naugment:\n- op: jitter\n  scale: [1, x]\n",
            "line 4: augment.0.scale.1 is 'x'; it should be a valid number",
        ),
        (
            "name: a\naugment:\n- op: jitter\n  jitter: x\n",
            "line 4: augment.0.jitter is 'x'; it should be a valid number",
        ),
        ("name: a\nloss: {kind: focal, gama: 1}\n", "line 2: unknown key 'loss.gama'; did you mean 'gamma'?"),
        ("name: a\nschedule: {iterations: 5}\n", "line 2: schedule: epochs (100) and iterations (5) are both given"),
        ("amp: true\n", ": name is missing; it has no default"),
    ],
)
def test_a_refused_value_is_one_sentence_with_key_line_and_remedy(load_text, text, message):
    with pytest.raises(UserError) as caught:
        load_text(text)
    assert str(caught.value).endswith(f"my.yaml{'' if message.startswith(':') else ' '}{message}")


def test_of_several_problems_the_first_is_told_and_the_others_counted(load_text):
    with pytest.raises(UserError, match=r"schedule.lr is -1; .* \(and 1 more problem\)$"):
        load_text("name: a\nschedule: {lr: -1}\ninput_size: [1, 2]\nweights: 7\n")
    with pytest.raises(UserError, match=r"input_size.0 is 'x'; .* \(and 2 more problems\)$"):
        load_text("name: a\nschedule: {lr: -1}\ninput_size: [x, y]\n")


def test_a_key_that_is_spelt_wrongly_goes_before_the_one_that_is_missing(load_text):
    with pytest.raises(UserError, match=r"line 1: unknown key 'nam'; did you mean 'name'\? \(and 1 more problem\)$"):
        load_text("nam: a\n")


def test_a_value_from_the_command_line_names_its_flag(load_text):
    with pytest.raises(
        UserError, match=r"^command line --epochs: schedule.epochs is 0; it should be greater than or equal"
    ):
        load_text("name: a\nschedule:\n  epochs: 3\n", ("schedule.epochs", 0, "command line --epochs"))


def test_a_value_from_a_base_names_the_base(load_text, write):
    write("base.yaml", "name: a\n\nworkers: x\n")
    with pytest.raises(UserError, match=r"base.yaml line 3: workers is 'x'"):
        load_text("_base_: base.yaml\n")


@pytest.mark.parametrize(
    ("base", "key", "sentence"),
    [
        ("yolov3-tiny", "score_iou", "only ssd and retinanet have, and loss.kind is yolo; leaving it out would do"),
        ("ssd300-mobilenetv2", "aligned", "only yolo has, and loss.kind is ssd; leaving it out would do"),
    ],
)
def test_a_loss_key_of_another_family_is_told_with_whose_it_is(base, key, sentence):
    with pytest.raises(UserError, match=f"unknown key 'loss.{key}', which {sentence}$"):
        load(Recipe, base=base, overrides=[(f"loss.{key}", 1, "the command line")])


def test_long_values_are_shortened(load_text):
    with pytest.raises(UserError) as caught:
        load_text(f"name: a\nworkers: {'x' * 1000}\n")
    assert len(str(caught.value).split("workers is")[1]) < 120

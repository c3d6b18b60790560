import pytest

from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Freeze, Schedule
from trizoo.training.batch import InputSizes
from trizoo.training.schedule import RunPlan, decided, epochs_for, peak_lr


def plan_of(count=40, frozen=0, frozen_batch=None, pretrained=True, **schedule):
    schedule = {"batch_size": 4, "lr": 0.01, "lr_batch": None} | schedule
    return RunPlan(Schedule(**schedule), Freeze(epochs=frozen, batch_size=frozen_batch), count, 7, pretrained)


def lrs(plan):
    return [plan.lr(step) for step in range(plan.total_steps)]


def test_the_curve_by_hand():
    # 10 steps an epoch; warm-up 5 % = 1 epoch, flat 1 epoch, the cosine from epoch 1 to epoch 19
    plan = plan_of(epochs=20)
    assert (plan.total_steps, plan.epochs, plan.length) == (200, 20, 20)
    expected = {
        0: 0.1,  # warmup_start
        5: 0.1 + 0.9 * 0.5**2,  # half way up
        10: 1,
        100: (1 + 0.01) / 2,  # half way down
        190: 0.01,
        199: 0.01,
    }
    assert {step: plan.lr(step) for step in expected} == pytest.approx({s: 0.01 * f for s, f in expected.items()})
    curve = lrs(plan)
    assert curve[:11] == sorted(curve[:11])
    assert curve[10:] == sorted(curve[10:], reverse=True)
    assert curve[9] < curve[10] > curve[11]
    assert curve[188] > curve[189] > curve[190] == curve[191]


def test_warmup_and_flat_are_bounded_in_epochs():
    curve = lrs(plan_of(epochs=400, count=4))  # one step an epoch; 5 % would be 20
    assert curve.index(max(curve)) == 3
    assert curve.count(min(curve)) == 15


def test_without_warmup_and_flat_the_curve_starts_at_the_peak_and_nears_its_end():
    curve = lrs(plan_of(epochs=10, warmup=0, flat=0))
    assert curve[0] == 0.01
    assert 0.01 * 0.01 < curve[-1] < 0.01 * 0.011
    assert lrs(plan_of(epochs=2, warmup=1, flat=1))[-1] == pytest.approx(0.01 * (0.1 + 0.9 * (19 / 20) ** 2))
    assert set(lrs(plan_of(epochs=2, warmup=0, flat=1))) == {0.01 * 0.01}


def test_steps_fall_by_equal_ratios():
    plan = plan_of(count=4, epochs=10, kind="step", warmup=0)  # one step an epoch, one level a step
    assert lrs(plan) == pytest.approx([0.01 * 0.01 ** (level / 9) for level in range(10)])
    plan = plan_of(count=8, epochs=10, kind="step", warmup=0, final=0)
    assert lrs(plan) == pytest.approx([0.01 * (1 - level / 10) for level in range(10) for _ in range(2)])
    plan = plan_of(count=400, epochs=33, kind="step", warmup=0.05)
    assert len({round(lr, 12) for lr in lrs(plan)[165:]}) == 10  # warm-up: 5 % of 3300 steps
    assert plan.lr(plan.total_steps - 1) == pytest.approx(0.01 * 0.01)


def test_frozen_epochs_have_their_own_batch_size_and_learning_rate():
    # 40 images: 5 steps of 8 in each of 2 frozen epochs, then 10 steps of 4
    plan = plan_of(frozen=2, frozen_batch=8, epochs=4, lr_batch=64, warmup=0, flat=1)
    assert plan.total_steps == 2 * 5 + 2 * 10
    assert [plan.first_step_of(epoch) for epoch in range(5)] == [0, 5, 10, 20, 30]
    assert [plan.epoch_of(step) for step in (0, 9, 10, 29)] == [(0, 0), (1, 4), (2, 0), (3, 9)]
    assert [step for step in range(30) if plan.ends_epoch(step)] == [4, 9, 19, 29]
    assert [step for step in range(30) if plan.phase(step).frozen] == list(range(10))
    assert [plan.lr(step) for step in (9, 10)] == pytest.approx([0.01 * 0.01 * 8 / 64, 0.01 * 0.01 * 4 / 64])
    assert [len(batch.indices) for batch in plan.batch_plans()] == [8] * 10 + [4] * 20
    assert str(plan) == (
        "4 epochs = 30 steps of 8 images, backbone frozen; from epoch 3 on of 4 images, nothing frozen (there are 40)"
    )


def test_the_curve_goes_on_where_frozen_epochs_end():
    frozen, plain = plan_of(frozen=2, frozen_batch=8, epochs=4), plan_of(epochs=4)
    for epoch in range(4):
        assert frozen.lr(frozen.first_step_of(epoch)) == plain.lr(plain.first_step_of(epoch))


def test_without_pretrained_weights_nothing_is_frozen():
    plan = plan_of(frozen=2, frozen_batch=8, epochs=4, pretrained=False)
    assert plan.total_steps == 40
    assert not any(phase.frozen for phase in plan.phases)


def test_a_run_may_end_in_its_frozen_epochs():
    plan = plan_of(frozen=50, frozen_batch=8, epochs=3)
    assert (plan.total_steps, plan.epochs) == (15, 3)
    assert plan.phase(14).frozen
    plan = plan_of(frozen=50, frozen_batch=8, iterations=7)
    assert (plan.length, plan.epochs) == (1.4, 2)
    assert str(plan) == "1.4 epochs = 7 steps of 8 images, backbone frozen (there are 40)"
    assert plan_of(frozen=2, epochs=2).total_steps == 20


@pytest.mark.parametrize("count", [40, 1000])  # the run ends in its third epoch, and in its first
def test_iterations_end_the_run_and_the_curve(count):
    plan = plan_of(count=count, iterations=25)
    assert plan.total_steps == len(plan.batch_plans()) == 25
    assert plan.ends_epoch(24)
    assert plan.lr(0) == pytest.approx(0.001)
    assert max(lrs(plan)) == pytest.approx(0.01, rel=0.02)
    assert plan.lr(24) == pytest.approx(0.0001)
    assert (plan.length, plan.epochs) == ((2.5, 3) if count == 40 else (0.1, 1))


def test_the_default_is_a_hundred_epochs():
    assert plan_of().total_steps == 1000


def test_every_image_is_seen_once_in_an_epoch_but_for_the_rest():
    plan = plan_of(count=11, epochs=20)  # 2 steps of 4
    plans = list(plan.batch_plans())
    assert [p.step for p in plans] == list(range(40))
    seen = set()
    for epoch in range(20):
        indices = [i for p in plans if p.epoch == epoch for i in p.indices]
        assert len(set(indices)) == 8
        assert [i for p in plans if p.epoch == epoch for i in p.positions] == list(range(8))
        seen.update(indices)
    assert seen == set(range(11))


def test_fewer_images_than_a_batch_make_one_step_an_epoch():
    plan = plan_of(count=3, epochs=2)
    assert plan.total_steps == 2
    first, second = plan.batch_plans()
    assert first.positions == second.positions == (0, 1, 2, 3)
    assert set(first.indices) == {0, 1, 2}
    assert first.indices[3] == first.indices[0]


@pytest.mark.parametrize("schedule", [{"epochs": 4}, {"iterations": 17}])
def test_a_resumed_run_gets_the_same_batches(schedule):
    plan = plan_of(count=43, frozen=2, frozen_batch=8, **schedule)
    every = list(plan.batch_plans())
    for first in range(plan.total_steps + 1):
        rest = plan.batch_plans(first_step=first)
        assert len(rest) == len(every) - first
        assert list(rest) == every[first:]


@pytest.mark.parametrize(("batch_size", "lr"), [(64, 0.01), (16, 0.0025), (1, 5e-4), (1024, 5e-2)])
def test_the_peak_scales_with_the_batch_within_bounds(batch_size, lr):
    assert peak_lr(Schedule(), batch_size) == pytest.approx(lr)
    assert peak_lr(Schedule(lr_batch=None), batch_size) == 0.01


def test_a_plan_without_images_is_refused():
    with pytest.raises(ValueError, match="count is 0; at least 1 image"):
        plan_of(count=0)


def test_every_batch_knows_how_much_of_the_run_is_over():
    plan = plan_of(frozen=2, frozen_batch=8, epochs=4)
    assert [batch.progress for batch in plan.batch_plans()] == [step / 30 for step in range(30)]
    assert [batch.progress for batch in plan.batch_plans(first_step=29)] == [29 / 30]


def test_every_batch_has_its_input_size():
    assert {batch.size for batch in plan_of(epochs=2).batch_plans()} == {None}
    sizes = InputSizes((416, 416), 32, seed=7, low=0.5, high=1.5, every=4)
    plan = RunPlan(Schedule(epochs=4, batch_size=4), Freeze(), 40, 7, False, sizes=sizes)
    assert [batch.size for batch in plan.batch_plans(first_step=3)] == [sizes.at(step) for step in range(3, 40)]
    assert len({batch.size for batch in plan.batch_plans()}) > 3


def test_a_rate_that_halves_does_so_every_so_many_steps_whatever_the_length():
    for epochs in (5, 9):
        schedule = Schedule(kind="halve", halve_every=4, epochs=epochs, batch_size=2, lr=0.8, lr_batch=None, warmup=0)
        plan = RunPlan(schedule, Freeze(), 7, 0, False)
        assert [plan.lr(step) for step in range(13)] == [0.8] * 4 + [0.4] * 4 + [0.2] * 4 + [0.1]


def test_halve_and_its_steps_go_together():
    for given in ({"kind": "halve"}, {"halve_every": 5}):
        with pytest.raises(ValueError, match="a kind of halve needs halve_every, such as 5000 steps"):
            Schedule(**given)


def test_epochs_go_by_the_number_of_images_where_they_are_auto():
    numbers = {1: 300, 7: 223, 100: 100, 205: 81, 1000: 50, 10_000: 25, 118_287: 12, 10**9: 12}
    assert {count: epochs_for(count) for count in numbers} == numbers
    assert plan_of(count=100, epochs="auto").total_steps == 100 * 25
    recipe, lines = Recipe(schedule=Schedule(epochs="auto")), []
    plain, reasons = decided(recipe, 100, lines.append)
    assert plain.schedule == recipe.schedule.model_copy(update={"epochs": 100})
    assert reasons == {"schedule.epochs": "by the number of images, 100 (schedule.epochs: auto)"}
    assert lines == ["epochs: 100, by the number of images, 100 (schedule.epochs: auto); --epochs N for others"]
    assert decided(plain, 7, lines.append) == (plain, {})
    assert len(lines) == 1


def test_no_more_than_half_of_the_epochs_that_images_decide_are_frozen():
    recipe, lines = Recipe(schedule=Schedule(epochs="auto"), freeze=Freeze(epochs=50)), []
    plain, reasons = decided(recipe, 10_000, lines.append)
    assert (plain.schedule.epochs, plain.freeze.epochs) == (25, 12)
    assert reasons["freeze.epochs"] == "half of these (schedule.epochs: auto)"
    assert lines[1] == "freeze: the backbone is frozen for 12 epochs, half of these (schedule.epochs: auto)"
    assert decided(recipe, 100, lines.append)[0].freeze.epochs == 50
    assert "freeze.epochs" not in decided(recipe, 100, lines.append)[1]


@pytest.mark.parametrize(
    ("epochs", "frozen", "expected"), [(30, 50, True), (50, 50, True), (51, 50, False), (9, 0, False)]
)
def test_a_plan_knows_whether_its_backbone_ever_thaws(epochs, frozen, expected):
    plan = RunPlan(Schedule(epochs=epochs), Freeze(epochs=frozen), 16, 0, True, "backbone.")
    assert plan.never_thaws == expected

"""A framework of NumPy biases that learns nothing sensible, but does all that the loop asks of one."""

import numpy as np

from trizoo.training.world import World


class FakeAverage:
    """See `trizoo.framework.Average`; keeps the decays that it was moved by."""

    def __init__(self, model):
        self.model = model
        self.kept = {}
        self.decays = []

    def move(self, decay):
        self.decays.append(decay)
        kept = self.kept or {name: array.copy() for name, array in self.model.items()}
        share = np.float32(1 - decay)
        self.kept = {name: array + share * (self.model[name] - array) for name, array in kept.items()}

    def arrays(self):
        return dict(self.kept)

    def assign(self, arrays):
        self.kept = dict(arrays)


class FakeLearner:
    """Adds `lr` to every array that isn't frozen; its loss falls with the steps, or is what `losses` says.

    breaks: steps after which the weights are nan.
    """

    def __init__(self, model, losses, breaks):
        self.model = model
        self.average = FakeAverage(model)
        self.losses = losses
        self.breaks = breaks
        self.prefixes = ()
        self.slots = {name: np.zeros_like(array) for name, array in model.items()}
        self.frozen_steps = []
        self.seen = []

    def step(self, batch, lr):
        self.seen.append((batch.step, tuple(batch.ids), lr))
        self.frozen_steps.append(bool(self.prefixes))
        for name in self.model:
            if not name.startswith(self.prefixes or "nothing"):
                self.slots[name] += 1
                self.model[name] += np.float32("nan" if batch.step in self.breaks else lr)
        loss = self.losses.get(batch.step, 1 / (1 + batch.step))
        return {"loss": loss, "box": loss / 2}

    def layer_stats(self, images):
        """Of one layer: what it puts out is its own bias."""
        name, values = "backbone.bn", self.model["backbone.bn.bias"]
        finite = values[np.isfinite(values)]
        mean, variance = (finite.mean(), finite.var()) if finite.size else (0, 0)
        return [(name, values.size, (mean, variance, values.size - finite.size))]

    def freeze(self, prefixes):
        self.prefixes = prefixes

    def optimizer_arrays(self):
        return {"momentum": {name: array.copy() for name, array in self.slots.items()}}

    def assign_optimizer(self, slots):
        self.slots = {name: array.copy() for name, array in slots["momentum"].items()}

    def state(self):
        return {"scale": 8}

    def assign_state(self, state):
        assert state["scale"] == 8


class FakeFramework:
    """See `trizoo.framework.Framework`. losses: {step: value} to give instead of the usual."""

    name = "fake"

    def __init__(self, losses=None):
        self.losses = losses or {}
        self.breaks = set()
        self.memory = None
        self.learners = []

    def versions(self):
        return "Fake 1.0"

    def device(self, wanted):
        return wanted

    def world(self):
        return World()

    def held_bytes(self, spec, recipe, batch):
        return 1_000_000 + 2 * batch.images.nbytes

    def memory_of(self, device):
        return self.memory

    def spread(self, device, most):
        return device, 1

    def is_cpu(self, device):
        return True

    def multiplies_bf16(self, device):
        return False

    def describe_device(self, device):
        return "paper and pencil"

    def build(self, spec, device, seed=0):
        self.spec = spec
        model = {"backbone.bn.bias": np.zeros(4, np.float32)}
        for level, anchors in zip(("p5", "p4"), spec.anchors, strict=True):
            model[f"head_{level}.predict.bias"] = np.zeros(len(anchors) * (5 + spec.num_classes), np.float32)
        return model

    def measured_loss(self, spec, section, device):
        return lambda outputs, targets, size: {"loss": float(len(outputs[0])), "box": 0.0}

    def shapes(self, model):
        return {name: array.shape for name, array in model.items()}

    def arrays(self, model):
        return {name: array.copy() for name, array in model.items()}

    def assign(self, model, arrays):
        for name in model:
            model[name][:] = arrays[name]

    def learner(self, model, spec, recipe, device, teacher=None):
        self.learners.append(FakeLearner(model, self.losses, self.breaks))
        return self.learners[-1]

    def predictor(self, model, precision, device, shortlist=False):
        biases = [model[f"head_{level}.predict.bias"].copy() for level in ("p5", "p4")]

        def predict(images):
            outputs = []
            for bias, stride, anchors in zip(biases, self.spec.strides, self.spec.anchors, strict=True):
                shape = (len(images), images.shape[1] // stride, images.shape[2] // stride, len(anchors), -1)
                cell = bias.reshape(len(anchors), -1)
                outputs.append(np.broadcast_to(cell, (*shape[:4], cell.shape[1])).copy())
            return outputs

        return predict

    def loader(self, dataset, plans, workers, device):
        return map(dataset, plans)

"""Several devices that train one model: a tf.distribute strategy around the step, and sums over what each has.

A model that is built within a strategy's scope has a copy of each variable on every device. On one device all here does
nothing.
"""

import contextlib
import functools

import tensorflow as tf

from tf2_zoo.layers import named_variables
from tf2_zoo.processes import Workers, world
from trizoo.ground.cores import greatest_share
from trizoo.training.spread import check_worker


class Devices(str):
    """Several devices that train one model; where one is wanted it is the first, by its name.

    Args:
        strategy: a tf.distribute.Strategy
    """

    def __new__(cls, first, strategy):
        """A string with one attribute more."""
        devices = super().__new__(cls, first)
        devices.strategy = strategy
        return devices


def spread(device, most):
    """See `trizoo.framework.Framework.spread`. Of several processes each takes all devices of its machine."""
    if isinstance(world(), Workers):
        strategy = world().strategy
        names = strategy.extended.worker_devices
        check_worker(device, names, most // world().size)
        return Devices(device, strategy), len(names)
    if device.partition(":")[2] not in ("", "0"):  # another than the first was asked for
        return device, 1
    names = [found.name for found in tf.config.list_logical_devices("GPU" if "GPU" in device else "CPU")]
    count = greatest_share(len(names), most)
    return (device, 1) if count == 1 else (Devices(device, _mirrored(*names[:count])), count)


@functools.cache  # two of the same devices would take each other's sums for their own
def _mirrored(*names):
    return tf.distribute.MirroredStrategy(names)


def scope_of(device):
    """What has to be entered where a model is made."""
    return device.strategy.scope() if isinstance(device, Devices) else contextlib.nullcontext()


def strategy_of(model):
    """The tf.distribute.Strategy that a model was built for, TensorFlow's default one for one device."""
    variable = next(iter(named_variables(model).values()))
    return getattr(variable, "distribute_strategy", tf.distribute.get_strategy())


def parts_of(variable):
    """The copies of a variable that this process's devices have, in order; of a plain one itself."""
    strategy = getattr(variable, "distribute_strategy", None)  # which tf.distribute alone gives a variable
    return (variable,) if strategy is None else strategy.experimental_local_results(variable)


def value_of(variable):
    """What a variable has in this process: of those that each device keeps for itself the mean over its devices.

    What tf.distribute reads may be the mean over all processes', for which they would have to read at once.
    """
    parts = parts_of(variable)
    return parts[0] if variable.synchronization != tf.VariableSynchronization.ON_READ else tf.add_n(parts) / len(parts)


def set_value(variable, value):
    """Gives a variable a value in this process, on each of its devices."""
    for part in parts_of(variable):
        part.assign(value)


def is_spread(strategy):
    """Whether a strategy has more than one device, in this process or in all."""
    return strategy.num_replicas_in_sync > 1


def shares(strategy, images, targets):
    """A batch's images (B, H, W, 3) and targets in equal parts, one for each of this process's devices, in order."""
    if not is_spread(strategy):
        return images, targets
    count = len(strategy.extended.worker_devices)
    size = len(images) // count

    def of_one(context):
        place = context.replica_id_in_sync_group % count
        part = slice(place * size, (place + 1) * size)
        own = {name: array[part] if len(array.shape) else array for name, array in targets.items()}
        return tf.nest.map_structure(tf.convert_to_tensor, (images[part], own))

    return strategy.experimental_distribute_values_from_function(of_one)


def on_each(strategy, function):
    """A function that runs on each device with what that has of the arguments, and gives what each has got."""
    return (lambda *arguments: strategy.run(function, arguments)) if is_spread(strategy) else function


def first(strategy, values):
    """Of what every device has got, all the same, what the first device of this process has."""
    return tf.nest.map_structure(lambda value: strategy.experimental_local_results(value)[0], values)


def total(values):
    """The sum over all devices of a structure of tensors, within `on_each`; gradients go through."""
    strategy = tf.distribute.get_strategy()
    if not is_spread(strategy):
        return values
    values = tf.nest.map_structure(tf.identity, values)  # of what has no device several processes sum nothing
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)


def whole(targets):
    """Targets of a share of a batch, within `on_each`, whose numbers (0-d) become those of all processes' shares."""
    if world().size == 1:
        return targets
    devices = len(world().strategy.extended.worker_devices)  # each of which has the number of all of them
    return {
        name: array if len(array.shape) else tf.maximum(total(array) / devices, 1) for name, array in targets.items()
    }


def gathered(tensor):
    """What all devices have, behind one another, and this one's first place there: (B, ...) -> (n * B, ...), int.

    Within `on_each`; gradients go through, as sums over the devices.
    """
    if not is_spread(tf.distribute.get_strategy()):
        return tensor, 0
    context = tf.distribute.get_replica_context()
    first = context.replica_id_in_sync_group * tf.shape(tensor)[0]
    # of what has no device several processes gather nothing
    return context.all_gather(tf.identity(tensor), axis=0), first


def update(strategy, variable, function, *arguments):
    """Calls a function of a variable and the arguments, on each device with its copy and what it has of these."""
    if is_spread(strategy):
        strategy.extended.update(variable, function, arguments, group=False)
    else:
        function(variable, *arguments)

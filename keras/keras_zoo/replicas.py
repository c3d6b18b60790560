"""Several devices that train one model, in each backend's own way: what they share out, and sums over what each has.

On TensorFlow a tf.distribute strategy is around the step; on JAX a keras.distribution.DataParallel, by which the step
itself is that of the whole batch; on PyTorch each process has one device. On one device all here does nothing.
"""

import contextlib
import functools
import inspect

import keras

from keras_zoo import processes
from keras_zoo.processes import OF_PYTORCH, Workers, world
from trizoo.ground.cores import greatest_share
from trizoo.training.spread import check_worker

_BACKEND = keras.backend.backend()


class Devices(str):
    """Several devices that train one model; where one is wanted it is the first, by its name.

    Args:
        distribution: a tf.distribute.Strategy, or a `DataParallel`
    """

    def __new__(cls, first, distribution):
        """A string with one attribute more."""
        devices = super().__new__(cls, first)
        devices.distribution = distribution
        return devices


class DataParallel(keras.distribution.DataParallel):
    """Keras's, which also takes numbers: every device has them."""

    def get_data_layout(self, data_shape):
        """See `keras.distribution.Distribution.get_data_layout`."""
        if data_shape:
            return super().get_data_layout(data_shape)
        return keras.distribution.TensorLayout((), self.device_mesh)


def spread(device, most):
    """See `trizoo.framework.Framework.spread`. Of several processes of TensorFlow's each takes all of its machine."""
    if isinstance(world(), Workers):
        names = world().strategy.extended.worker_devices
        check_worker(device, names, most // world().size)
        return Devices(device, world().strategy), len(names)
    if device.partition(":")[2] not in ("", "0"):  # another than the first was asked for
        return device, 1
    kind = device.partition(":")[0]
    # older Keras has no word for what becomes of a variable that each device moves by itself
    able = _BACKEND != "torch" and "aggregation" in inspect.signature(keras.layers.Layer.add_weight).parameters
    names = keras.distribution.list_devices(kind) if able else []
    count = greatest_share(len(names), most)
    return (device, 1) if count == 1 else (Devices(device, _distribution(*names[:count])), count)


@functools.cache  # two strategies of the same devices would take each other's sums for their own
def _distribution(*names):
    if _BACKEND == "jax":
        return DataParallel(devices=list(names))
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(names)


def scope_of(device):
    """What has to be entered where variables are made, and around a step."""
    distribution = getattr(device, "distribution", None)
    return contextlib.nullcontext() if distribution is None else distribution.scope()


def strategy():
    """The tf.distribute.Strategy of more than one device that is around us, or None."""
    if _BACKEND != "tensorflow":
        return None
    import tensorflow as tf

    around = tf.distribute.get_strategy()
    return around if around.num_replicas_in_sync > 1 else None


def shares(images, targets):
    """A batch's images (B, H, W, 3) and targets as a step takes them, in equal parts for this process's devices."""
    around = strategy()
    if around is None:
        return images, targets
    import tensorflow as tf

    count = len(around.extended.worker_devices)
    size = len(images) // count

    def of_one(context):
        place = context.replica_id_in_sync_group % count
        part = slice(place * size, (place + 1) * size)
        own = {name: array[part] if array.ndim else array for name, array in targets.items()}
        return tf.nest.map_structure(tf.convert_to_tensor, (images[part], own))

    return around.experimental_distribute_values_from_function(of_one)


def compiled_step(model, jit_compile):
    """A model's step of what `shares` gives, for the devices of the `strategy` around us: (images, targets) -> logs."""
    import tensorflow as tf

    around = strategy()

    @tf.function(reduce_retracing=True, jit_compile=jit_compile, autograph=False)
    def step(images, targets):
        logs = around.run(model.train_step, ((images, targets),))
        # of older Keras each device has the mean already, of newer its own
        return {name: around.reduce("MEAN", value, axis=None) for name, value in logs.items()}

    return step


def kept_by_each():
    """Options of a variable that each device moves by itself: what all have afterwards is the mean."""
    return {} if strategy() is None else {"aggregation": "mean"}


def total(tensors):
    """The sums over all devices of a list of tensors, within a step; gradients go through."""
    if strategy() is None:  # on JAX a step's sums are those of the whole batch as they are
        return processes.total(tensors) if OF_PYTORCH else tensors
    import tensorflow as tf

    tensors = [tf.identity(tensor) for tensor in tensors]  # of what has no device several processes sum nothing
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensors)


def whole(targets):
    """Targets of a share of a batch, within a step, whose numbers (0-d) become those of all processes' shares."""
    if world().size == 1:
        return targets
    # of TensorFlow's each device has the number of all of its process
    devices = 1 if strategy() is None else len(strategy().extended.worker_devices)

    def of_all(number):
        return keras.ops.maximum(total([keras.ops.convert_to_tensor(number)])[0] / devices, 1)

    return {name: array if len(array.shape) else of_all(array) for name, array in targets.items()}


def is_shared(device):
    """Whether several devices, of this process or of all, share each batch."""
    return isinstance(device, Devices) or world().size > 1


def gathered(tensor):
    """What all devices have, behind one another, and this one's first place there: (B, ...) -> (n * B, ...), int.

    Within a step; gradients go through, as sums over the devices.
    """
    if strategy() is None:  # on JAX a step has the whole batch
        return (processes.gathered(tensor), OF_PYTORCH[0].rank * len(tensor)) if OF_PYTORCH else (tensor, 0)
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    first = context.replica_id_in_sync_group * tf.shape(tensor)[0]
    return context.all_gather(tf.identity(tensor), axis=0), first

"""The zoo's own networks in Keras with the weights of a .keras file; nothing else of the file is used."""

from trizoo.deploy.archives import read_notes
from trizoo.deploy.keras_file import read_arrays
from trizoo.deploy.metadata import parse
from trizoo.framework import find
from trizoo.weights.layout import to_canonical


def version():
    """Keras's, and its backend's."""
    return find("keras").open().versions().removeprefix("Keras ")


def devices():
    """What it runs on here."""
    zoo = find("keras").open()
    return ["cpu"] if zoo.is_cpu(zoo.device("auto")) else ["cpu", "cuda"]


def start(path, device, threads):
    """See `trizoo.deploy.runtimes.Runtime`. The threads are Keras's own."""
    import keras

    metadata, _, spec = parse(read_notes(path), path)
    zoo = find("keras").open()
    place = zoo.device(device)
    model = zoo.build(spec, place, seed=None)
    arrays = read_arrays(path, zoo.shapes(model))
    zoo.assign(model, {name: to_canonical(array) for name, array in arrays.items()})
    predict = zoo.predictor(model, "fp32", place)
    whole = zoo.exporters["keras"](model, metadata.input_size, metadata.kind, metadata.thresholds)

    def run(images, names, numbers):
        if set(spec.output_names).issuperset(names):
            outputs = dict(zip(spec.output_names, predict(images), strict=True))
            return [outputs[name] for name in names]
        found = whole(images, training=False)
        return [keras.ops.convert_to_numpy(found[name]) for name in names]

    return run

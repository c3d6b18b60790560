"""Runs on images as they are (`resize: none`): one size for all, which the model takes and augmentation keeps."""

from trizoo.augment.pipeline import own_operations
from trizoo.families import check_input_size
from trizoo.ground.errors import UserError
from trizoo.tasks.pipeline import own_canvas
from trizoo.training.dataset import TrainingSet

PROBES = 32  # samples that are made to see whether operations of one's own keep sizes


def unresized(recipe, sources, say):
    """A recipe whose `resize` is none, with the images' own size as its input size; any other recipe as it is.

    The images that are trained on have one size; those that metrics come from may have others, even some that get a
    border.

    Args:
        sources: `trizoo.training.data.Sources`
        say: gets a line where the input size becomes another one

    Raises:
        UserError: naming the first image whose size differs, or that the model doesn't take
    """
    if recipe.resize != "none":
        return recipe
    first, *rest = [sources.training.records[member] for member in sources.members]
    for record in rest:
        if record.size != first.size:
            (width, height), (usual_width, usual_height) = record.size, first.size
            raise UserError(
                f"image {record.image} is {width}x{height} and {first.image} {usual_width}x{usual_height}; with resize "
                f"none all images to train on have one size, another policy such as letterbox would do"
            )
    try:
        check_input_size(recipe.model.name, first.size)
    except UserError as error:
        text = (
            f"image {first.image} is used as it is, since resize is none: {error}; or another policy such as letterbox"
        )
        raise UserError(text) from None
    for record in [*sources.validation.records, *sources.test.records]:
        own_canvas(recipe.model.name, record.size, f"image {record.image}")
    if first.size != recipe.input_size:
        say(f"data: images are used as they are, so the input size is {first.size[0]}x{first.size[1]}")
    return recipe.model_copy(update={"input_size": first.size})


def check_augmented_sizes(recipe, sources, spec):
    """UserError with the name of an operation that leaves samples of another size, where `resize` is none.

    The zoo's own operations keep sizes, so only recipes with others are tried, on as many samples as PROBES.
    """
    if recipe.resize == "none" and own_operations([operation.model_dump() for operation in recipe.augment]):
        training = TrainingSet(sources.training, sources.members, recipe, spec, room=0)
        for position in range(PROBES):
            training.sample(position % len(training), 0, position)

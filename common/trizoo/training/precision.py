"""What `precision: auto` stands for on a device."""

NO_FASTER = "isn't known to be faster in bf16"


def settled(framework, device, precision):
    """The precision itself: of "auto" bf16 where the device multiplies it itself, else fp32."""
    if precision != "auto":
        return precision
    return "bf16" if framework.multiplies_bf16(device) else "fp32"


def with_precision(framework, recipe, device, say, world):
    """The recipe with the precision that `precision: auto` stands for -> (recipe, {key: reason}); `say` gets a line.

    Of several processes, which have the same recipe, all train in bf16 or none does. Each waits for all.
    """
    if recipe.precision != "auto":
        return recipe, {}
    precision = settled(framework, device, recipe.precision)
    if world.any(precision == "fp32"):
        precision = "fp32"
    faster = precision == "bf16"
    whose = "the device" if world.size == 1 else "every process's device" if faster else "a process's device"
    reason = f"since {whose} {'multiplies it itself' if faster else NO_FASTER} (precision: auto)"
    say(f"precision: {precision}, {reason}")
    return recipe.model_copy(update={"precision": precision}), {"precision": reason}

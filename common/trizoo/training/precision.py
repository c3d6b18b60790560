"""What `precision: auto` stands for on a device."""

NO_FASTER = "isn't known to be faster in bf16"


def settled(framework, device, precision):
    """The precision itself: of "auto" bf16 where the device multiplies it itself, else fp32."""
    if precision != "auto":
        return precision
    return "bf16" if framework.multiplies_bf16(device) else "fp32"


def with_precision(framework, recipe, device, say):
    """The recipe with the precision that `precision: auto` stands for -> (recipe, {key: reason}); `say` gets a line."""
    if recipe.precision != "auto":
        return recipe, {}
    precision = settled(framework, device, recipe.precision)
    reason = f"since the device {'multiplies it itself' if precision == 'bf16' else NO_FASTER} (precision: auto)"
    say(f"precision: {precision}, {reason}")
    return recipe.model_copy(update={"precision": precision}), {"precision": reason}

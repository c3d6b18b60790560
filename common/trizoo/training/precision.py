"""What `precision: auto` stands for on a device."""


def settled(framework, device, precision):
    """The precision itself: of "auto" bf16 where the device multiplies it itself, else fp32."""
    if precision != "auto":
        return precision
    return "bf16" if framework.multiplies_bf16(device) else "fp32"


def with_precision(framework, recipe, device, say):
    """The recipe with the precision that `precision: auto` stands for, which `say` gets with its reason."""
    if recipe.precision != "auto":
        return recipe
    precision = settled(framework, device, recipe.precision)
    known = "the device multiplies it" if precision == "bf16" else "the device isn't known to multiply bf16"
    say(f"precision: {precision}, since {known} itself (precision: auto)")
    return recipe.model_copy(update={"precision": precision})

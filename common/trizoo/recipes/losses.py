"""The loss sections of a recipe, one for each family of models."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trizoo.boxes import IOU_KINDS
from trizoo.recipes.fields import NotNegative, Probability, Section


class YOLOLoss(Section):
    """YOLO's; see `trizoo.losses.yolo_loss`."""

    kind: Literal["yolo"] = "yolo"
    box: Literal[(*IOU_KINDS, "mse")] = "ciou"
    box_gain: NotNegative = 2.0
    objectness_gain: NotNegative = 1.0
    class_gain: NotNegative = 1.0
    balance: tuple[NotNegative, NotNegative, NotNegative] = Field(
        (0.4, 1.0, 4.0), description="of objectness at strides 32, 16, 8; a model with two heads uses the first two"
    )
    ignore_iou: Probability = Field(0.5, description="a prediction that overlaps any box more is no negative")
    match_iou: Probability = Field(
        1.0, description="an anchor that fits a box by more answers for it too, beside the best; 1 = the best alone"
    )
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="e: classes learn 1 - e / 2 and e / 2 instead of 1 and 0"
    )
    focal_gamma: NotNegative = Field(
        0.0, description="objectness that is right already counts less (Lin et al. 2017); 0 = plain cross-entropy"
    )
    focal_alpha: Probability | None = Field(
        None, description="weight of objectness's positives, 1 less it of the negatives; none = both 1"
    )


class SSDLoss(Section):
    """SSD's; see `trizoo.losses_ssd.ssd_loss`."""

    kind: Literal["ssd"] = "ssd"
    positive_iou: Probability = Field(0.5, description="an anchor that overlaps a box so much answers for it")
    negatives: NotNegative = Field(3.0, description="of each image so many times as many negatives as positives count")
    box_beta: NotNegative = Field(1.0, description="smooth L1 is linear beyond it; 0 = L1")
    box_gain: NotNegative = 1.0
    class_gain: NotNegative = 1.0


class RetinaNetLoss(Section):
    """RetinaNet's; see `trizoo.losses_retinanet.retinanet_loss`."""

    kind: Literal["retinanet"] = "retinanet"
    positive_iou: Probability = Field(0.5, description="an anchor that overlaps a box so much answers for it")
    negative_iou: Probability = Field(0.4, description="one that overlaps every box less is background")
    low_quality: bool = Field(True, description="each box's best anchor answers for it, however little they overlap")
    gamma: NotNegative = Field(2.0, description="what is right already counts less; 0 = cross-entropy")
    alpha: Probability | None = Field(0.25, description="weight of positives, 1 less it of negatives; none = both 1")
    box: Literal["l1", "giou"] = Field("l1", description="giou: of decoded boxes, as in torchvision's v2")
    box_beta: NotNegative = Field(0.0, description="l1 is smooth up to it; keras-retinanet has 1 / 9")
    box_gain: NotNegative = 1.0
    class_gain: NotNegative = 1.0

    @model_validator(mode="after")
    def _in_order(self):
        if self.negative_iou > self.positive_iou:
            raise ValueError(
                f"negative_iou is {self.negative_iou:g}, above positive_iou, {self.positive_iou:g}; at most that is "
                f"needed"
            )
        return self


class SegmentationLoss(Section):
    """That of segmentation; see `trizoo.losses_segmentation.segmentation_loss`."""

    kind: Literal["segmentation"] = "segmentation"
    class_weights: tuple[NotNegative, ...] | None = Field(
        None, description="of cross-entropy, a number a class in the order of their ids; none = all 1"
    )
    focal_gamma: NotNegative = Field(
        0.0, description="pixels that are right already count less (Lin et al. 2017); 0 = plain cross-entropy"
    )
    cross_entropy_gain: NotNegative = 1.0
    dice_gain: NotNegative = Field(0.0, description="of the soft Dice loss (Milletari et al. 2016); 0 = without it")


LOSS_SECTIONS = {"yolo": YOLOLoss, "ssd": SSDLoss, "retinanet": RetinaNetLoss, "segmentation": SegmentationLoss}
Loss = Annotated[YOLOLoss | SSDLoss | RetinaNetLoss | SegmentationLoss, Field(discriminator="kind")]

"""The loss sections of a recipe, one for each family of models."""

from typing import Annotated

from pydantic import Field

from trizoo.families.retinanet.spec import RetinaNetLoss
from trizoo.families.segmentation.spec import SegmentationLoss
from trizoo.families.ssd.spec import SSDLoss
from trizoo.families.yolo.spec import YOLOLoss

LOSS_SECTIONS = {"yolo": YOLOLoss, "ssd": SSDLoss, "retinanet": RetinaNetLoss, "segmentation": SegmentationLoss}
Loss = Annotated[YOLOLoss | SSDLoss | RetinaNetLoss | SegmentationLoss, Field(discriminator="kind")]

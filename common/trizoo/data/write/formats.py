"""The formats that data sets can be written in."""

from trizoo.data.write.coco import write_coco
from trizoo.data.write.labelme import write_labelme
from trizoo.data.write.points import write_points
from trizoo.data.write.shards import write_shards
from trizoo.data.write.voc import write_voc
from trizoo.data.write.yolo import write_yolo

# format -> function of a `trizoo.data.write.content.Content` and an empty folder, which gives sentences for a person
WRITERS = {
    "voc": write_voc,
    "coco": write_coco,
    "yolo": write_yolo,
    "labelme": write_labelme,
    "shards": write_shards,
    "points": write_points,
}
IN_ONE_SPLIT = ("yolo", "points")  # an image is in one split alone
IN_SPLITS_ALONE = ("coco", "yolo", "points")  # an image in no split is left out

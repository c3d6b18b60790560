"""What is judged by which number, and why by that one.

*BCCD's run* is yolov3-tiny from scratch on 205 photographs of blood cells, 40 epochs = 1,000 steps, mAP50 0.87
(docs/results.md): nothing of it may be called wrong.
"""

# The course of a run. A loss is compared by fifths of the run, as means, so that single batches don't count
FIFTHS = 5
TREND_LOSSES = 10  # fewer logged losses than two a fifth show no trend
# the last fifth's loss below the one before: BCCD's fell by 39, 14, 9 and 4 %, and mAP50 rose as long as by 9 %
STEEP = 0.10
SCORE_RISE = 0.02  # best metric of the last fifth above that of before: less is what BCCD's wanders by at its end
FEW_STEPS = 1000  # from scratch: BCCD's run found its cells in so many
FEW_STEPS_PRETRAINED = 300  # by judgement: heads alone are new, a third
NO_STEPS = 100  # what `--find-lr` alone takes
GOOD = 0.5  # mAP50 or mIoU from which on labels, rate and set-up do work, and rules about these are silent

RISE = 1.2  # last fifth's loss over the lowest fifth's: by judgement; BCCD's never rose
SPIKE = 4.0  # a logged loss over the median of those around it: BCCD's highest is 1.6
SPIKES = 3  # one or two may be batches of strange images
SPIKE_WINDOW = 10  # logged losses to each side
HARDLY = 0.10  # a loss that falls by less over the whole run; BCCD's fell by 54 % from the first fifth to the last
RATE = 5.0  # times the peak rate of the model's own recipe, or a fifth: an eighth of it was slow in docs/ablations.md

GAP_RISE = 0.10  # last validation loss above its lowest
TRAIN_FALL = 0.02  # of the training loss meanwhile: BCCD's epochs at its end differ by 2 % and more by chance
SCORE_DROP = 0.05  # last metric below the best: BCCD's wanders by 0.04 from one evaluation to the next
EARLY = 0.6  # share of the run by which the best epoch is early; BCCD's was at 0.7
LEAST_EVALUATIONS = 4

# Labels
RARE = 10  # images with a class, at most: LVIS (Gupta et al. 2019) calls these rare, and finds them worst
FEW_TO_MEASURE = 10  # objects of a class in the validation split, below which one object moves its recall by over 0.1
LEFT_OUT = 0.01  # share of the images that are left out
CHECK_BYTES = 100e6  # of images that are decoded for the data check: some 5 s on one core; above it is left to a person

# Sizes
SMALL = 10.0  # pixels of the input, square root of the area: below it a cell of stride 8 sees hardly more than itself
SMALL_SHARE, SMALL_MOST = 0.10, 0.30  # of the boxes: worth a word; likely what is wrong
RECALL_LOW = 0.50  # boxes with an anchor: likely what is wrong, since most boxes have none. RECALL is worth a word
# AP at an IoU of 0.75 that boxes of the right class, but out of place, cost, and they more than anything else (GOOD is
# found at 0.5): BCCD's run, whose anchors are COCO's at 416, loses 0.49 of it
LOOSE = 0.25
SAMPLE = 2000  # boxes, or images, that shares are taken from: their standard error is 0.011 at most

# Splits
FEW_VALIDATION = 30  # images: the standard error of a share found of a half is 0.09
CLASS_DISTANCE = 0.25  # share of objects that would have to change their class for both splits to have the same
SIZE_RATIO = 1.5  # between the splits' median sizes: a level of a pyramid is a factor of 2
LEAST_OBJECTS = 50  # of each split, to compare these at all

# The set-up
FROZEN = 0.6  # share of the run in which the backbone was held still; the zoo's recipes freeze half of it at most
OVERFIT_SCORE = 0.9  # a run with --overfit comes near 1

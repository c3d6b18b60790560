"""What `accuracy.py` runs in a peer's own Python: a training by the peer's settings, its answers on images.

    python benchmarks/peers.py JOB

JOB is a JSON file: "peer", "model", "size" (pixels a side), "batch", "epochs", "seed", "folder" to work in, "classes"
(how many), "train" [{"image", "boxes", "labels"} or {"image", "mask"}], "data" (data.yaml, of Ultralytics), "images" to
answer and "found", the file of the answers: {image: [boxes, scores, labels]}, or {image: PNG of class ids}.
"""

import json
import sys
from pathlib import Path


def train_ultralytics(job):
    """Ultralytics' model of the name, by its own defaults; the weights that its validation finds best answer."""
    import torch
    from ultralytics import YOLO

    torch.set_num_threads(1)
    network = YOLO(f"{job['model']}.yaml")
    options = {"imgsz": job["size"], "batch": job["batch"], "device": "cpu", "workers": 0, "verbose": False}
    where = {"project": job["folder"], "name": "run", "exist_ok": True}
    network.train(data=job["data"], epochs=job["epochs"], seed=job["seed"], plots=False, amp=False, **options, **where)
    best = YOLO(Path(job["folder"]) / "run" / "weights" / "best.pt")
    found = {}
    for path in job["images"]:
        # what its own validation asks for
        boxes = best.predict(path, imgsz=job["size"], conf=0.001, iou=0.7, max_det=300, device="cpu", verbose=False)[0]
        found[path] = [boxes.boxes.xyxy.tolist(), boxes.boxes.conf.tolist(), boxes.boxes.cls.tolist()]
    return found


def train_torchvision(job):
    """torchvision's model of the name without pretrained weights, by its references' settings; the last weights answer.

    Rates are theirs times batch / (their batch of 8 GPUs), epochs of steps are shares of theirs:
    https://github.com/pytorch/vision/tree/main/references
    """
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(job["seed"])
    if job["model"].startswith("deeplab"):
        return _segmentation(job)
    return _detection(job)


def _steps(job):
    """Whole batches in the images to train on, at least one."""
    return max(1, len(job["train"]) // job["batch"])


def _train(job, network, optimizer, loss_of, each_step=lambda: None, each_epoch=lambda: None):
    """All epochs, each in an order of its own; the network answers after it.

    Args:
        loss_of: places of images, the step from 0 -> the loss
        each_step, each_epoch: called after one
    """
    import torch

    batch, steps = job["batch"], _steps(job)
    network.train()
    for epoch in range(job["epochs"]):
        order = torch.randperm(len(job["train"])).tolist()
        for step in range(steps):
            loss = loss_of(order[step * batch : (step + 1) * batch], epoch * steps + step)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            each_step()
        each_epoch()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}", flush=True)
    network.eval()


def _detection(job):
    import torch
    import torchvision
    from torchvision import tv_tensors
    from torchvision.io import ImageReadMode, decode_image
    from torchvision.models import detection
    from torchvision.transforms import v2

    size, classes, batch, epochs = job["size"], job["classes"] + 1, job["batch"], job["epochs"]  # 0 is background
    images = [decode_image(one["image"], ImageReadMode.RGB) for one in job["train"]]
    steps = _steps(job)
    changes = [
        v2.RandomHorizontalFlip(),
        v2.ToDtype(torch.float32, scale=True),
        v2.SanitizeBoundingBoxes(),
        v2.ToPureTensor(),
    ]
    if job["model"] == "ssdlite320_mobilenet_v3_large":
        network = detection.ssdlite320_mobilenet_v3_large(
            weights=None, weights_backbone=None, num_classes=classes, score_thresh=0.001, detections_per_img=100
        )
        changes = [v2.RandomIoUCrop(), *changes]
        rate, decay = 0.15 * batch / 192, 4e-5
    else:
        backbone = detection.backbone_utils.resnet_fpn_backbone(
            backbone_name="resnet18",
            weights=None,
            norm_layer=torch.nn.BatchNorm2d,
            trainable_layers=5,
            returned_layers=[2, 3, 4],
            extra_blocks=torchvision.ops.feature_pyramid_network.LastLevelP6P7(256, 256),
        )
        network = detection.RetinaNet(
            backbone, classes, min_size=size, max_size=size, score_thresh=0.001, detections_per_img=100
        )
        rate, decay = 0.01 * batch / 16, 1e-4
    transform = v2.Compose(changes)
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=rate, momentum=0.9, weight_decay=decay)
    if job["model"].startswith("ssdlite"):
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    else:
        marks = [round(epochs * share / 26) for share in (16, 22)]
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, marks, 0.1)
    warming = min(1000, steps - 1)  # in the first epoch, as theirs

    def loss_of(places, step):
        for group in optimizer.param_groups if step <= warming and warming else ():
            group["lr"] = rate * (0.001 + (1 - 0.001) * step / warming)
        inputs, targets = [], []
        for place in places:
            one, image = job["train"][place], images[place]
            boxes = torch.tensor(one["boxes"], dtype=torch.float32).reshape(-1, 4)
            boxes = tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=image.shape[-2:])
            labels = torch.tensor(one["labels"], dtype=torch.int64) + 1
            image, target = transform(tv_tensors.Image(image), {"boxes": boxes, "labels": labels})
            inputs.append(image)
            targets.append(target)
        return sum(network(inputs, targets).values())

    _train(job, network, optimizer, loss_of, each_epoch=schedule.step)
    found = {}
    for path in job["images"]:
        with torch.inference_mode():
            answer = network([decode_image(path, ImageReadMode.RGB) / 255])[0]
        found[path] = [answer["boxes"].tolist(), answer["scores"].tolist(), (answer["labels"] - 1).tolist()]
    return found


def _segmentation(job):
    import torch
    from torch.nn import functional
    from torchvision import tv_tensors
    from torchvision.io import ImageReadMode, decode_image, write_png
    from torchvision.models import segmentation
    from torchvision.transforms import v2

    size, batch, epochs = job["size"], job["batch"], job["epochs"]
    network = segmentation.deeplabv3_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=job["classes"], aux_loss=True
    )
    crop = round(size * 480 / 520)  # their crop of their base size
    normalise = v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    fill = {tv_tensors.Image: 0, tv_tensors.Mask: 255}
    transform = v2.Compose(
        [
            v2.RandomResize(size // 2, size * 2),
            v2.RandomHorizontalFlip(),
            v2.RandomCrop(crop, pad_if_needed=True, fill=fill),
            v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True),
            normalise,
            v2.ToPureTensor(),
        ]
    )
    images = [decode_image(one["image"], ImageReadMode.RGB) for one in job["train"]]
    masks = [decode_image(one["mask"], ImageReadMode.UNCHANGED) for one in job["train"]]
    rate = 0.01 * batch / 32
    groups = [
        {"params": [*network.backbone.parameters(), *network.classifier.parameters()], "lr": rate},
        {"params": [*network.aux_classifier.parameters()], "lr": rate * 10},
    ]
    optimizer = torch.optim.SGD(groups, momentum=0.9, weight_decay=1e-6)
    schedule = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=_steps(job) * epochs, power=0.9)

    def loss_of(places, _):
        pairs = [transform(tv_tensors.Image(images[place]), tv_tensors.Mask(masks[place])) for place in places]
        inputs, targets = (torch.stack(side) for side in zip(*pairs, strict=True))
        answers, targets = network(inputs), targets[:, 0].long()
        loss = functional.cross_entropy(answers["out"], targets, ignore_index=255)
        return loss + 0.5 * functional.cross_entropy(answers["aux"], targets, ignore_index=255)

    _train(job, network, optimizer, loss_of, each_step=schedule.step)
    found = {}
    for number, path in enumerate(job["images"]):
        image = decode_image(path, ImageReadMode.RGB)
        with torch.inference_mode():
            scaled = v2.functional.resize(normalise(image / 255)[None], [size], antialias=True)
            answer = network(scaled)["out"]
            answer = functional.interpolate(answer, image.shape[-2:], mode="bilinear", align_corners=False)
        file = Path(job["folder"]) / f"answer-{number}.png"
        write_png(answer.argmax(dim=1).to(torch.uint8), str(file))
        found[path] = str(file)
    return found


def main():
    """The command."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    found = {"ultralytics": train_ultralytics, "torchvision": train_torchvision}[job["peer"]](job)
    Path(job["found"]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()

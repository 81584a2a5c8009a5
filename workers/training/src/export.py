"""Writes the towers as ONNX, weights in 16 bits where that is simple, and what the scorer must know besides."""
import json
import warnings
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from towers import PICTURE, Block, TextTower, VisionTower

OPSET = 16


class Stored(nn.Module):
    """A constant that is kept in 16 bits and computed with in 32."""

    def __init__(self, value: torch.Tensor):
        super().__init__()
        self.register_buffer("value", value.detach().half())

    def forward(self) -> torch.Tensor:
        return self.value.float()


class StoredConv(nn.Module):
    """A convolution with the normalisation that follows it folded in."""

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d):
        super().__init__()
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        self.weight = Stored(conv.weight * factor.view(-1, 1, 1, 1))
        self.bias = Stored(norm.bias - norm.running_mean * factor)
        self.stride = conv.stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(F.conv2d(x, self.weight(), self.bias(), self.stride, padding=1))


class StoredVision(nn.Module):
    def __init__(self, tower: VisionTower):
        super().__init__()
        blocks = [block for block in tower.blocks if isinstance(block, Block)]
        self.stem = StoredConv(tower.stem, tower.stem_norm)
        self.down = nn.ModuleList([StoredConv(block.down, block.down_norm) for block in blocks])
        self.again = nn.ModuleList([StoredConv(block.again, block.again_norm) for block in blocks])
        self.places, self.places_bias = Stored(tower.places.weight), Stored(tower.places.bias)
        self.head, self.head_bias = Stored(tower.head.weight), Stored(tower.head.bias)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        x = self.stem(pixel_values)
        for down, again in zip(self.down, self.again):
            x = down(x)
            x = x + again(x)
        places = F.conv2d(x, self.places(), self.places_bias())
        found = torch.cat([x.mean((2, 3)), x.amax((2, 3)), places.flatten(1)], 1)
        return F.linear(found, self.head(), self.head_bias())


class StoredText(nn.Module):
    def __init__(self, tower: TextTower):
        super().__init__()
        self.end_id = tower.end_id
        self.tokens = Stored(tower.tokens.weight)
        self.reader = tower.reader
        self.head = tower.head

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        states, _ = self.reader(F.embedding(input_ids, self.tokens()))
        ends = (input_ids == self.end_id).to(states.dtype)
        first = ends * (ends.cumsum(1) < 1.5).to(states.dtype)
        return self.head((states * first.unsqueeze(2)).sum(1))


def export(trainer, directory: Path) -> None:
    (directory / "onnx").mkdir(parents=True, exist_ok=True)
    vision, text = StoredVision(trainer.vision.eval()), StoredText(trainer.text.eval())
    pixels = torch.rand(2, 3, PICTURE, PICTURE) * 2 - 1
    ids = torch.tensor(trainer.vocabulary["negatives"][:2])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing: a GRU with a batch that varies, which is tried by the tests
        worst = (vision(pixels) - trainer.vision(pixels)).abs().max().item()
        write(vision, pixels, directory / "onnx/vision_model.onnx", "pixel_values", "image_embeds", {0: "batch"})
        write(text, ids, directory / "onnx/text_model.onnx", "input_ids", "text_embeds", {0: "batch", 1: "sequence"})
    scale = round(trainer.scale().item(), 3)
    settings = {
        "demonstration": True,
        "description": "A demonstration: knows the words of the procedural engine and things that look as it makes them.",
        "logit_scale": scale,
    }
    (directory / "turntable.json").write_text(json.dumps(settings, indent=1) + "\n")
    print(f"wrote {directory}; 16 bits change a picture's embedding by {worst:.4f} at most")


def write(model: nn.Module, example: torch.Tensor, file: Path, given: str, made: str, varying: dict) -> None:
    torch.onnx.export(
        model.eval(),
        (example,),
        str(file),
        input_names=[given],
        output_names=[made],
        dynamic_axes={given: varying, made: {0: "batch"}},
        opset_version=OPSET,
        # Folding would turn the 16-bit constants into 32-bit ones.
        do_constant_folding=False,
    )

"""Reads what pictures.ts and texts.ts wrote, and draws batches from it."""
import json
from pathlib import Path

import numpy as np
import torch

VIEWS = 6
SIDE = 64


class Scenes:
    """Scenes with their pictures (kept on disk) and texts: the first `count` that pictures.ts made, range by range."""

    def __init__(self, folder: Path, count: int):
        texts = sorted(folder.glob("texts-*.jsonl"), key=lambda path: int(path.stem.split("-")[1]))
        self.lines, self.pictures = [], []
        for lines, pictures in map(read_range, texts):
            self.lines += lines
            self.pictures.extend(pictures)  # each a view of what is on disk
        del self.lines[count:]
        if len(self.lines) < count:
            raise SystemExit(f"{folder} holds {len(self.lines)} scenes, not {count}: make more with pictures.ts")

    def __len__(self) -> int:
        return len(self.lines)

    def views(self, scene: int) -> np.ndarray:
        return self.pictures[scene]


def read_range(texts: Path) -> tuple:
    lines = [json.loads(line) for line in texts.read_text().splitlines()]
    pictures = np.memmap(texts.with_name(texts.name.replace("texts", "pictures")).with_suffix(".bin"), np.uint8, "r")
    per_scene = VIEWS * SIDE * SIDE * 3
    complete = min(len(lines), len(pictures) // per_scene)
    return lines[:complete], pictures[: complete * per_scene].reshape(complete, VIEWS, SIDE, SIDE, 3)


def pixel_values(pictures: np.ndarray) -> torch.Tensor:
    """As preprocessor_config.json says: from bytes to −1 … 1."""
    return torch.from_numpy(pictures.copy()).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def padded(texts: list, end_id: int) -> torch.Tensor:
    ids = torch.full((len(texts), max(map(len, texts))), end_id, dtype=torch.long)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
    return ids


def contradicts(says: torch.Tensor, shows: torch.Tensor) -> torch.Tensor:
    """
    Whether a text (column) says something that a scene (row) certainly does not show. Both are the numbers of
    texts.ts; what one of them leaves open contradicts nothing.
    """
    a, b = shows.unsqueeze(1), says.unsqueeze(0)
    differs = a != b
    both = differs & (a > 0) & (b > 0)
    nouns = differs[..., 3] | differs[..., 7]
    details = both[..., [4, 5, 6, 8, 9, 10]].any(-1)
    same_kind = differs[..., 1] | differs[..., 2] | nouns | details
    # Either of two things side by side may be named first.
    beside = (a[..., 2] == 2) & (b[..., 2] == 2) & (a[..., 3] == b[..., 7]) & (a[..., 7] == b[..., 3])
    shared = torch.zeros_like(nouns)
    for i in (3, 7):
        for j in (3, 7):
            shared |= (a[..., i] == b[..., j]) & (a[..., i] > 0)
    return torch.where(differs[..., 0], ~shared, same_kind & ~beside)

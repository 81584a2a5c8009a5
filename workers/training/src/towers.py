"""The two towers of turntable-small: a convolutional net for pictures, a recurrent one for texts."""
import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 128  # of both embeddings
PICTURE = 64


class Block(nn.Module):
    """A 3 × 3 convolution that halves the picture, and one that looks again and adds what it finds."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.down = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.down_norm = nn.BatchNorm2d(outputs)
        self.again = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.again_norm = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.down_norm(self.down(x)))
        return x + F.relu(self.again_norm(self.again(x)))


class VisionTower(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 3, stride=2, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(24)
        self.blocks = nn.Sequential(Block(24, 48), Block(48, 96), Block(96, 192))
        # Where things are matters for "on top of": besides what there is anywhere, a little of each place.
        self.places = nn.Conv2d(192, 32, 1)
        # So that it does not learn by heart which scene it looks at.
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(192 * 2 + 32 * 16, WIDTH)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.stem_norm(self.stem(pixel_values)))
        x = self.blocks(x)
        found = torch.cat([x.mean((2, 3)), x.amax((2, 3)), self.places(x).flatten(1)], 1)
        return self.head(self.dropout(found))


class TextTower(nn.Module):
    def __init__(self, vocabulary: int, end_id: int, inner: int = 96, state: int = 192):
        super().__init__()
        self.end_id = end_id
        self.tokens = nn.Embedding(vocabulary, inner)
        self.reader = nn.GRU(inner, state, batch_first=True)
        self.head = nn.Linear(state, WIDTH)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        states, _ = self.reader(self.tokens(input_ids))
        # The state at the first end token: what pads a text comes later and changes nothing.
        ends = (input_ids == self.end_id).to(states.dtype)
        first = ends * (ends.cumsum(1) < 1.5).to(states.dtype)
        return self.head((states * first.unsqueeze(2)).sum(1))

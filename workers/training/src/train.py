"""
Trains turntable-small and writes its ONNX files: see README.md beside this.

The loss is on what a scorer computes: the probability of a text against the six negatives, as binary cross-entropy,
for texts that fit, texts that nearly fit and other scenes' texts; with it InfoNCE, which orders texts among themselves.
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from data import Scenes, contradicts, padded, pixel_values
from export import export
from towers import TextTower, VisionTower

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".cache/model"
SCENES, VIEWS, WRONG = 64, 2, 5  # of a step: scenes, views of each, wrong texts of each
HARDEST = 8  # of a step: other scenes' texts that count for a picture
# Weight of texts that fit, at first and at the end: full fidelity begins at 0.8, but wrong texts count from 0.6.
RIGHT, RIGHT_AT_THE_END = 1.5, 2.0
POOR = 0.3  # what is right but sparse or blurry should get: less than is accepted
KEPT_BACK = 400  # the first scenes, to look at while training
LOOK_EVERY = 400  # steps
SETTLING = 60  # batches
CALIBRATION_STEPS = 150
RATE, WARM_UP = 2e-3, 200


class Trainer:
    def __init__(self, seed: int, threads: int):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        self.seed, self.threads = seed, threads
        self.vocabulary = json.loads((CACHE / "vocabulary.json").read_text())
        self.end_id = self.vocabulary["endId"]
        self.vision = VisionTower().to(memory_format=torch.channels_last)
        self.text = TextTower(self.vocabulary["size"], self.end_id)
        self.log_scale = torch.nn.Parameter(torch.tensor(3.0))
        self.parameters = [*self.vision.parameters(), *self.text.parameters(), self.log_scale]
        self.optimiser = torch.optim.AdamW(self.parameters, RATE, (0.9, 0.98), weight_decay=0.02)
        self.step = 0

    def state(self) -> dict:
        return {
            "vision": self.vision.state_dict(),
            "text": self.text.state_dict(),
            "log_scale": self.log_scale.detach(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }

    def load(self, state: dict) -> None:
        self.vision.load_state_dict(state["vision"])
        self.text.load_state_dict(state["text"])
        with torch.no_grad():
            self.log_scale.copy_(state["log_scale"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]

    def images(self, pictures: np.ndarray) -> torch.Tensor:
        pixels = pixel_values(pictures).contiguous(memory_format=torch.channels_last)
        return F.normalize(self.vision(pixels), dim=1)

    def texts(self, texts: list) -> torch.Tensor:
        return F.normalize(self.text(padded(texts, self.end_id)), dim=1)

    def scale(self) -> torch.Tensor:
        return self.log_scale.exp().clamp(max=60)

    def margins(self, images: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """Logits of the probability of each text alone against the negatives, which are the last of the texts."""
        logits = self.scale() * images @ texts.T
        count = len(self.vocabulary["negatives"])
        return logits[:, :-count] - torch.logsumexp(logits[:, -count:], 1, keepdim=True)

    def train_step(self, scenes: Scenes, rate: float, right_weight: float) -> float:
        random = np.random.default_rng([self.seed, self.step])
        torch.manual_seed(self.seed * 1_000_003 + self.step)  # of the dropout: stopping changes nothing
        chosen = KEPT_BACK + random.choice(len(scenes) - KEPT_BACK, SCENES, replace=False)
        lines = [scenes.lines[i] for i in chosen]
        pictures = np.concatenate([augmented(scenes.views(i), random) for i in chosen])
        right = [random.choice(line["right"]) if line["right"] else None for line in lines]
        texts = [r["ids"] if r else line["wrong"][0] for r, line in zip(right, lines)]
        for line in lines:
            texts += [line["wrong"][i] for i in random.integers(0, len(line["wrong"]), WRONG)]
        shows = torch.tensor([line["shows"] for line in lines])
        says = torch.tensor([r["says"] if r else line["shows"] for r, line in zip(right, lines)])

        # Threads make the convolutions faster and the recurrent net slower: it goes forward and back on one.
        torch.set_num_threads(1)
        embedded = self.texts(texts + self.vocabulary["negatives"])
        torch.set_num_threads(self.threads)
        leaf = embedded.detach().requires_grad_()
        margins = self.margins(self.images(pictures), leaf).view(SCENES, VIEWS, -1)
        own, others = margins[..., :SCENES], margins[..., SCENES:]
        each = torch.arange(SCENES)
        matched = own[each, :, each]  # scene, view
        target = torch.tensor(
            [0.0 if not r else POOR if line["quality"] in ("sparse", "blurry") else 1.0 for r, line in zip(right, lines)]
        ).unsqueeze(1).expand(-1, VIEWS)
        wrong = others.view(SCENES, VIEWS, SCENES, WRONG)[each, :, each]  # scene, view, text
        # A column whose scene shows nothing holds a wrong text, not one that fits anything.
        excluded = ~contradicts(says, shows) | torch.eye(SCENES, dtype=torch.bool)
        excluded |= torch.tensor([r is None for r in right]).unsqueeze(0)
        foreign = own.masked_fill(excluded.unsqueeze(1), -1e4)

        loss = right_weight * F.binary_cross_entropy_with_logits(matched, target)
        loss = loss + F.softplus(wrong).mean() + 0.5 * F.softplus(foreign.topk(HARDEST, 2).values).mean()
        has_right = torch.tensor([r is not None for r in right])
        ranked = torch.cat([matched.unsqueeze(2), wrong, foreign], 2)[has_right].flatten(0, 1)
        loss = loss + 0.3 * F.cross_entropy(ranked, torch.zeros(len(ranked), dtype=torch.long))

        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad()
        loss.backward()
        torch.set_num_threads(1)
        embedded.backward(leaf.grad)
        torch.set_num_threads(self.threads)
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        self.step += 1
        return loss.item()

    @torch.no_grad()
    def settle(self, scenes: Scenes) -> None:
        """Takes the statistics of the normalisation anew, with the weights as they are now."""
        norms = [module for module in self.vision.modules() if isinstance(module, torch.nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean of all batches
        for batch in range(SETTLING):
            random = np.random.default_rng([self.seed, self.step, batch])
            chosen = KEPT_BACK + random.choice(len(scenes) - KEPT_BACK, SCENES, replace=False)
            self.images(np.concatenate([augmented(scenes.views(i), random) for i in chosen]))

    def calibrate(self, scenes: Scenes) -> None:
        """
        Moves the line between fitting and not fitting, and nothing else: of all weights, only what the six negatives'
        own words mean and the scale are learned further, on the scenes kept back: on those that the towers learned from,
        nearly all is right already.
        """
        self.vision.eval()
        with torch.no_grad():
            images, pairs = [], []  # of pairs: picture, cosine, whether it fits
            for i in range(KEPT_BACK):
                line = scenes.lines[i]
                right = [] if line["quality"] in ("sparse", "blurry") else line["right"][:1]
                texts = self.texts([each["ids"] for each in right] + line["wrong"])
                for image in self.images(scenes.views(i)):
                    pairs += [(len(images), cosine, k < len(right)) for k, cosine in enumerate((texts @ image).tolist())]
                    images.append(image)
            images = torch.stack(images)
            of, cosines, fits = (torch.tensor(part) for part in zip(*pairs))
        words = sorted({word for text in self.vocabulary["negatives"] for word in text[1:-1]})
        table = self.text.tokens.weight
        only = torch.zeros(len(table), 1)
        only[words] = 1
        optimiser = torch.optim.Adam([table, self.log_scale], 0.01)

        for _ in range(CALIBRATION_STEPS):
            negatives = torch.logsumexp(self.scale() * images @ self.texts(self.vocabulary["negatives"]).T, 1)
            margins = self.scale() * cosines - negatives[of]
            loss = F.softplus(-margins[fits]).mean() + F.softplus(margins[~fits]).mean()
            optimiser.zero_grad()
            loss.backward()
            table.grad *= only
            optimiser.step()
        self.vision.train()

    @torch.no_grad()
    def look(self, scenes: Scenes) -> str:
        """Shares of the scenes kept back that the mean of the views accepts."""
        self.vision.eval()
        right, wrong, nothing = [], [], []
        for i in range(KEPT_BACK):
            line = scenes.lines[i]
            good = line["quality"] not in ("sparse", "blurry") and len(line["right"]) > 0
            texts = ([line["right"][0]["ids"]] if good else []) + line["wrong"]
            embedded = self.texts(texts + self.vocabulary["negatives"])
            scores = torch.sigmoid(self.margins(self.images(scenes.views(i)), embedded)).mean(0).tolist()
            if good:
                right.append(scores[0])
                wrong += scores[1:]
            elif line["shows"][0] == 0:
                nothing += scores
        self.vision.train()
        share = lambda values, bar: sum(v >= bar for v in values) / max(1, len(values))
        return (
            f"right >= 0.8: {share(right, 0.8):.3f} (mean {sum(right) / len(right):.3f}), "
            f"wrong >= 0.6: {share(wrong, 0.6):.3f} (mean {sum(wrong) / len(wrong):.3f}), "
            f"nothing >= 0.6: {share(nothing, 0.6):.3f}, scale {self.scale().item():.1f}"
        )


def augmented(views: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Some of the views, moved by up to two pixels and mirrored by half: a mirrored thing is called the same."""
    chosen = views[random.choice(len(views), VIEWS, replace=False)]
    dy, dx = random.integers(0, 5, 2)
    side = chosen.shape[1]
    wide = np.pad(chosen, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=255)
    moved = wide[:, dy : dy + side, dx : dx + side]
    return moved[:, :, ::-1] if random.random() < 0.5 else moved


def schedule(step: int, steps: int, decay: int) -> tuple:
    """
    The learning rate, which rises, stays, and goes down to nothing over the last `decay` steps, and the weight of texts
    that fit, which grows over the last nine tenths of those.
    """
    left = (steps - step) / decay
    grown = 1 - min(1, left / 0.9)
    return RATE * min(1, left, (step + 1) / WARM_UP), RIGHT + (RIGHT_AT_THE_END - RIGHT) * grown


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--scenes", type=int, required=True, help="how many scenes to use, counted from the first")
    options.add_argument("--steps", type=int, required=True)
    options.add_argument("--until", type=int, help="stop at this step, to go on with more scenes another time")
    options.add_argument("--decay", type=int, default=1500, help="steps at the end in which the learning rate goes to 0")
    options.add_argument("--seed", type=int, default=17)
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--checkpoint", type=Path, default=CACHE / "checkpoint.pt", help="goes on from it when it is there")
    options.add_argument("--out", type=Path, default=ROOT / "resources/models/turntable-small")
    given = options.parse_args()
    scenes = Scenes(CACHE, given.scenes)
    trainer = Trainer(given.seed, given.threads)
    if given.checkpoint.exists():
        trainer.load(torch.load(given.checkpoint))
    since, losses = time.time(), []
    until = given.steps if given.until is None else min(given.until, given.steps)
    while trainer.step < until:
        losses.append(trainer.train_step(scenes, *schedule(trainer.step, given.steps, given.decay)))
        if trainer.step % LOOK_EVERY == 0 or trainer.step == until:
            torch.save(trainer.state(), given.checkpoint)
            seconds = (time.time() - since) / len(losses)
            print(f"{trainer.step}: loss {np.mean(losses[-LOOK_EVERY:]):.3f}, {seconds:.2f} s a step; {trainer.look(scenes)}", flush=True)
    if until < given.steps:
        return
    trainer.settle(scenes)
    print(f"settled: {trainer.look(scenes)}", flush=True)
    trainer.calibrate(scenes)
    print(f"calibrated: {trainer.look(scenes)}", flush=True)
    export(trainer, given.out)


if __name__ == "__main__":
    main()

"""PyTorch's part of `scripts/bench.sh step`: trains one network when told to, and says how long it took.

usage: bench_step.py NETWORK BATCH THREADS

Writes `ready PARAMETERS VERSION` first. After that each line that it reads is a number of steps, which it does and
answers by the microseconds that they took. It ends with its input.

The networks are those of ml-worker/capture/examples/bench_training/networks, layer by layer, run as PyTorch users run
them: eagerly, with its own modules and optimisers as they come. Batches are made beforehand, as they are for Burn.
"""

import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional

CLASSES = 10
SIDE = 28
BATCHES = 16
CHARACTERS = 96
CONTEXT = 64
WIDTH = 128
HEADS = 4
LAYERS = 2


def perceptron(*widths):
    """A multilayer perceptron with ReLU between its layers."""
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def convolutional():
    """Two convolutions of 3 x 3, each before a max pooling of 2 x 2, and two linear layers."""
    return nn.Sequential(
        nn.Unflatten(1, (1, SIDE, SIDE)),
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * (SIDE // 4) ** 2, 128),
        nn.ReLU(),
        nn.Linear(128, CLASSES),
    )


class Transformer(nn.Module):
    """Tells the next character at each position of a text."""

    def __init__(self):
        super().__init__()
        self.characters = nn.Embedding(CHARACTERS, WIDTH)
        self.positions = nn.Parameter(torch.randn(CONTEXT, WIDTH))
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 4 * WIDTH, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, CHARACTERS)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CONTEXT))

    def forward(self, text):
        x = self.characters(text) + self.positions
        x = self.encoder(x, mask=self.mask, is_causal=True)
        return self.head(self.norm(x)).flatten(0, 1)


def pictures(batch):
    """Pixels of which four in five are 0, and labels."""
    pixels = (5 * torch.rand(batch, SIDE * SIDE) - 4).clamp(min=0)
    return pixels, torch.randint(CLASSES, (batch,))


def texts(batch):
    """Characters, and after each the one that follows it."""
    text = torch.randint(CHARACTERS, (batch, CONTEXT + 1))
    return text[:, :-1].contiguous(), text[:, 1:].flatten()


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.1)


def adam(parameters):
    return torch.optim.Adam(parameters, lr=0.001)


NETWORKS = {
    "mlp-sgd": (lambda: perceptron(SIDE * SIDE, 128, 64, CLASSES), sgd, pictures),
    "mlp-adam": (lambda: perceptron(SIDE * SIDE, 128, 64, CLASSES), adam, pictures),
    "wide-mlp": (lambda: perceptron(SIDE * SIDE, 1024, 1024, CLASSES), sgd, pictures),
    "cnn": (convolutional, sgd, pictures),
    "transformer": (Transformer, adam, texts),
}


def main():
    name, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    make, make_optimiser, sample = NETWORKS[name]
    network = make()
    optimiser = make_optimiser(network.parameters())
    batches = [sample(batch) for _ in range(BATCHES)]
    parameters = sum(parameter.numel() for parameter in network.parameters())
    print("ready", parameters, torch.__version__, flush=True)

    taken = 0
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            features, labels = batches[taken % BATCHES]
            taken += 1
            optimiser.zero_grad()
            loss = functional.cross_entropy(network(features), labels)
            loss.backward()
            optimiser.step()
        microseconds = (time.perf_counter() - start) * 1e6
        if not math.isfinite(loss.item()):
            sys.exit("training diverged")
        print(microseconds, flush=True)


if __name__ == "__main__":
    main()

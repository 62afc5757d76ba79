"""GPTQ of one layer in PyTorch, as published (Frantar, Ashkboos, Hoefler, Alistarh, 2023, algorithm 1 with groups).

Usage: gptq_torch.py FOLDER SIZE GROUP THREADS. Reads FOLDER/weights.bin and FOLDER/gram.bin, prints its version, then for each line of
input solves the layer and prints the seconds and the relative layer objective.
"""
import sys
import time

import torch

BITS, DAMPING, BLOCK = 4, 0.01, 128


def gptq(weights, gram, group):
    """The quantized weights, column by column within blocks, each error carried over to the columns that follow."""
    weights, gram = weights.clone(), gram.clone()
    columns, limit = weights.shape[1], 2 ** (BITS - 1) - 1
    dead = torch.diag(gram) == 0
    gram[dead, dead] = 1
    weights[:, dead] = 0
    diagonal = torch.arange(columns)
    gram[diagonal, diagonal] += DAMPING * torch.mean(torch.diag(gram))
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    factor = torch.linalg.cholesky(inverse, upper=True)
    quantized = torch.zeros_like(weights)
    scale = None
    for first in range(0, columns, BLOCK):
        last = min(first + BLOCK, columns)
        block = weights[:, first:last].clone()
        errors = torch.zeros_like(block)
        part = factor[first:last, first:last]
        for i in range(last - first):
            if (first + i) % group == 0:
                scale = block[:, i:i + group].abs().amax(dim=1) / limit
                scale[scale == 0] = 1
            column = block[:, i]
            rounded = torch.clamp(torch.round(column / scale), -limit, limit) * scale
            quantized[:, first + i] = rounded
            error = (column - rounded) / part[i, i]
            block[:, i:] -= error.unsqueeze(1).matmul(part[i, i:].unsqueeze(0))
            errors[:, i] = error
        weights[:, last:] -= errors.matmul(factor[first:last, last:])
    return quantized


def main():
    folder, size, group, threads = sys.argv[1], *map(int, sys.argv[2:5])
    torch.set_num_threads(threads)

    def read(name):
        with open(f"{folder}/{name}", "rb") as file:
            return torch.frombuffer(bytearray(file.read()), dtype=torch.float32).reshape(size, size)

    weights, gram = read("weights.bin"), read("gram.bin")
    whole = ((weights.double() @ gram.double()) * weights.double()).sum().item()
    print(f"PyTorch {torch.__version__}", flush=True)
    with torch.no_grad():
        for _ in sys.stdin:
            start = time.perf_counter()
            quantized = gptq(weights, gram, group)
            seconds = time.perf_counter() - start
            error = (weights - quantized).double()
            print(seconds, ((error @ gram.double()) * error).sum().item() / whole, flush=True)


main()

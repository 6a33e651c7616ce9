"""Pictures → the package's own batch, which its pre-processor then normalises; the score comes back."""

import torch
from anomalib.data import ImageBatch


def encode(rows, card):
    pixels = rows["pixels"].combine_chunks().to_numpy_ndarray()
    return ImageBatch(image=torch.tensor(pixels) / 255)


def decode(output, rows, card):
    return output.pred_score.reshape(-1, 1)

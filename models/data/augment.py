"""Random changes of pictures that leave their meaning: flips, small turns, shifts, on tensors, by kornia."""

import torch
from torch import Tensor, nn


class ImageAugment(nn.Module):
    """Flip half of the pictures, turn each by up to ``degrees`` and shift it by up to ``crop`` pixels.

    Maps float x_BCHW to the same shape; what comes in from outside repeats the edge. Draws from torch's
    global generator; leaves pictures alone in eval mode.
    """

    def __init__(self, *, flip: bool = False, degrees: float = 0.0, crop: int = 0) -> None:
        super().__init__()
        self.flip, self.degrees, self.crop = flip, degrees, crop

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return changed pictures, each changed in its own way."""
        if not self.training or not (self.flip or self.degrees or self.crop):
            return x_BCHW
        from kornia.geometry.transform import get_affine_matrix2d, warp_affine

        rows, _, height, width = x_BCHW.shape
        device = x_BCHW.device
        angle_B = (torch.rand(rows, device=device) * 2 - 1) * self.degrees
        shift_B2 = torch.randint(-self.crop, self.crop + 1, (rows, 2), device=device).float()
        centre_B2 = torch.tensor([(width - 1) / 2, (height - 1) / 2], device=device).expand(rows, 2)
        matrix_B33 = get_affine_matrix2d(shift_B2, centre_B2, torch.ones(rows, 2, device=device), angle_B)
        moved = warp_affine(x_BCHW, matrix_B33[:, :2], (height, width), padding_mode="border")
        flipped_B = torch.rand(rows, device=device) < (0.5 if self.flip else 0.0)
        return torch.where(flipped_B[:, None, None, None], moved.flip(3), moved)

"""What an image of a size is in tokens, in each way that a provider counts; exact, without floats.

The ways are those of OpenAI's "Images and vision" guide (tiles and 32-pixel patches,
https://developers.openai.com/api/docs/guides/images-vision), of Anthropic's "Vision" page (28-pixel
patches, https://platform.claude.com/docs/en/build-with-claude/vision) and of Google's "Image
understanding" and "Media resolution" pages (https://ai.google.dev/gemini-api/docs/image-understanding).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, isqrt

from meetctl.errors import UsageError

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedTokens:
    """The same for an image of any size."""

    tokens: int

    def count(self, size: Size) -> int:  # noqa: ARG002 - one signature for every way of counting
        """Return the tokens of one image.

        >>> FixedTokens(tokens=85).count((4096, 8192))
        85
        """
        return self.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """A base and a price a tile, after shrinking to fit a square and then a shortest side."""

    base: int
    tile: int
    fit_px: int = 2048
    """Side of the square that the image must fit in."""
    short_px: int = 768
    """Longest that the shortest side may then be."""
    tile_px: int = 512

    def count(self, size: Size) -> int:
        """Return the tokens of one image; an image is never enlarged.

        >>> Tiles(base=85, tile=170).count((1920, 1080)), Tiles(base=85, tile=170).count((1024, 576))
        (1105, 765)
        """
        fit = min(Fraction(1), Fraction(self.fit_px, max(size)))
        scale = fit * min(Fraction(1), Fraction(self.short_px) / (min(size) * fit))
        across, down = (ceil(Fraction(max(1, floor(side * scale)), self.tile_px)) for side in size)
        return self.base + self.tile * across * down


@dataclass(frozen=True, slots=True, kw_only=True)
class Patches:
    """A multiple of the square patches that cover the image, after fitting it to a limit and a budget."""

    multiplier: Fraction
    side_px: int | None = None
    """Longest side that an image may keep; None for any."""
    budget: int | None = None
    """Most patches that an image is given, before the multiplier; None for any number."""
    reject_over: int | None = None
    """More patches than this and the provider refuses the image; None if it refuses none."""
    patch_px: int = 32

    def count(self, size: Size) -> int:
        """Return the tokens of one image; an image is never enlarged.

        >>> Patches(multiplier=Fraction("1.62"), side_px=2048, budget=1536).count((1800, 2400))
        2353

        Raises:
            UsageError: The provider refuses an image of so many patches.
        """
        size = self._fit(size)
        patches = _grid(size, self.patch_px)
        if self.reject_over is not None and patches > self.reject_over:
            raise UsageError(
                f"an image of {size[0]}x{size[1]} is {patches} patches; the limit is {self.reject_over}",
                hint="send smaller images (side=…) or with detail high",
            )
        if self.budget is not None and patches > self.budget:
            patches = _grid(self.shrink(size, self.budget), self.patch_px)
        return ceil(patches * self.multiplier)

    def _fit(self, size: Size) -> Size:
        if self.side_px is None or max(size) <= self.side_px:
            return size
        scale = Fraction(self.side_px, max(size))
        return max(1, _round(size[0] * scale)), max(1, _round(size[1] * scale))

    def shrink(self, size: Size, budget: int) -> Size:
        """Return the size that the guide's two steps shrink an image to, so that `budget` covers it.

        The guide has r = sqrt(32² · budget / (w · h)), then r times the smaller of
        floor(w·r/32) / (w·r/32) and floor(h·r/32) / (h·r/32). As w·r/32 = sqrt(budget · w/h), its floor is an
        integer square root, and the product is the smaller of 32·across/w and 32·down/h, a fraction: so a
        side of 1056 pixels is 1056, never a binary 1055.999….

        >>> Patches(multiplier=Fraction(1)).shrink((1800, 2400), 1536)
        (1056, 1408)
        """
        width, height = size
        across = max(1, isqrt(budget * width // height))
        down = max(1, isqrt(budget * height // width))
        scale = min(Fraction(self.patch_px * across, width), Fraction(self.patch_px * down, height))
        return max(1, floor(width * scale)), max(1, floor(height * scale))


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredPatches:
    """The patches that cover the image in the largest size that keeps its aspect, an edge and a budget."""

    edge_px: int
    """Most pixels that a row of patches may span."""
    budget: int
    patch_px: int = 28

    def count(self, size: Size) -> int:
        """Return the tokens of one image; an image is never enlarged.

        >>> CoveredPatches(edge_px=1568, budget=1568).count((1000, 1000))
        1296
        """
        return _grid(self.shrink(size), self.patch_px)

    def shrink(self, size: Size) -> Size:
        """Return the size that the image is shrunk to.

        >>> CoveredPatches(edge_px=1568, budget=1568).shrink((1920, 1080))
        (1456, 819)
        """
        longest = max(size)
        low, high = 1, longest
        while low < high:
            middle = (low + high + 1) // 2
            if self._fits(_scaled(size, middle)):
                low = middle
            else:
                high = middle - 1
        return _scaled(size, low)

    def _fits(self, size: Size) -> bool:
        widest = ceil(Fraction(max(size), self.patch_px)) * self.patch_px
        return widest <= self.edge_px and _grid(size, self.patch_px) <= self.budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Crops:
    """A price a crop, whose side follows from the shortest side; a small image is a single crop."""

    tile_tokens: int
    small_px: int = 384

    def count(self, size: Size) -> int:
        """Return the tokens of one image.

        >>> Crops(tile_tokens=258).count((960, 540)), Crops(tile_tokens=258).count((300, 300))
        (1548, 258)
        """
        if max(size) <= self.small_px:
            return self.tile_tokens
        return self.tile_tokens * _grid(size, max(1, min(size) * 2 // 3))


Sizing = FixedTokens | Tiles | Patches | CoveredPatches | Crops


def _grid(size: Size, cell_px: int) -> int:
    """Return how many square cells cover the image."""
    return -(-size[0] // cell_px) * -(-size[1] // cell_px)


def _scaled(size: Size, longest: int) -> Size:
    scale = Fraction(longest, max(size))
    return max(1, _round(size[0] * scale)), max(1, _round(size[1] * scale))


def _round(value: Fraction) -> int:
    """Round half up, as JavaScript does; the guides say "round" without a rule for halves."""
    return floor(value + Fraction(1, 2))

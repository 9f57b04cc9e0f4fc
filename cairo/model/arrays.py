"""Array types by number of dimensions, for signatures: a checker tells them apart."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Float1D: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]
Float2D: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Float3D: TypeAlias = np.ndarray[tuple[int, int, int], np.dtype[np.float64]]
Float4D: TypeAlias = np.ndarray[tuple[int, int, int, int], np.dtype[np.float64]]
FloatND: TypeAlias = npt.NDArray[np.float64]
"""Of any number of dimensions."""
Int1D: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
Int2D: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Bool1D: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]
Bool2D: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.bool_]]

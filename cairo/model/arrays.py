"""Array types by dimension, for signatures."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Float1D: TypeAlias = npt.NDArray[np.float64]
Float2D: TypeAlias = npt.NDArray[np.float64]
FloatND: TypeAlias = npt.NDArray[np.float64]
Int1D: TypeAlias = npt.NDArray[np.int64]
Int2D: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Bool1D: TypeAlias = npt.NDArray[np.bool_]

"""How much the random comparisons try: enough to notice what is broken, or all there is, as ``.ci/full`` asks for."""

import os

__all__ = ["THOROUGH"]

THOROUGH = "MINIGRAD_THOROUGH" in os.environ

"""Kill -9 between any two steps of a replay, run it again: nothing is lost, nothing doubles."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.replays")

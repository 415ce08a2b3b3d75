"""Checking what is on disk: every byte named by a digest, every figure derived again."""

from evalharness.verifying.findings import Difference as Difference
from evalharness.verifying.rerunning import Rerun as Rerun
from evalharness.verifying.rerunning import rerun as rerun
from evalharness.verifying.runs import Verified as Verified
from evalharness.verifying.runs import verify as verify

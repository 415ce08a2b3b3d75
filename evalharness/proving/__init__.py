"""Whether an installation can be trusted: the quickstart and planted errors, offline."""

from evalharness.proving.running import Proof as Proof
from evalharness.proving.running import Step as Step
from evalharness.proving.running import prove as prove

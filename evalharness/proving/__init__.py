"""Whether an installation can be trusted: the whole pipeline, offline, with known answers."""

from evalharness.proving.running import Proof as Proof
from evalharness.proving.running import Step as Step
from evalharness.proving.running import prove as prove

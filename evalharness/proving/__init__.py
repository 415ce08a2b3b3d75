"""Whether an installation can be trusted: the whole pipeline, offline, with known answers."""

from evalharness.proving.prove import Proof as Proof
from evalharness.proving.prove import Step as Step
from evalharness.proving.prove import prove as prove

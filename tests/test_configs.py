"""Every ready config can be run as soon as its weights are there."""

import shutil
from pathlib import Path

import pytest

from evalharness.config import cells, registry
from evalharness.config.run_config import read_run_config
from evalharness.errors import ConfigError
from evalharness.neural.weights import NetworkOptions

CONFIGS = Path(__file__).parents[1] / "configs"
# Rules of `gate`, and figures of `reproduce`: no run.
OTHERS = (CONFIGS / "gate.yaml", CONFIGS / "reproduce" / "published.yaml")
READY = sorted(
    p.relative_to(CONFIGS).as_posix() for p in CONFIGS.rglob("*.yaml") if p not in OTHERS
)


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the configs, with the one file that their user brings."""
    folder = tmp_path_factory.mktemp("copy") / "configs"
    shutil.copytree(CONFIGS, folder)
    shutil.copytree(CONFIGS.parent / "results" / "baseline", folder.parent / "results" / "baseline")
    (folder / "checks" / "summac_conv_vitc_sent_perc_e.bin").write_bytes(b"0")
    return folder


def components(path: Path) -> list[object]:
    prepared = cells.prepare(read_run_config(path))
    return [each for cell in prepared for each in (cell.model, *cell.metrics.values())]


@pytest.mark.parametrize("name", READY)
def test_config_resolves_without_weights(name: str, configs: Path) -> None:
    assert components(configs / name)


def test_there_is_a_config_for_every_neural_check(configs: Path) -> None:
    made = {type(one) for name in READY for one in components(configs / name)}
    checks = {name: registry.load_class("checks", name) for name in registry.BUILT_IN["checks"]}
    neural = {name: check for name, check in checks.items() if issubclass(check, NetworkOptions)}
    assert len(neural) >= 9
    assert not {name for name, check in neural.items() if check not in made}


def test_conv_says_which_file_is_to_be_brought() -> None:
    with pytest.raises(ConfigError, match=r"head: no file or folder 'summac_conv_\S+\.bin'"):
        components(CONFIGS / "checks" / "summac-conv.yaml")

"""What more than one file of tests needs."""

import pytest

import samba_ad


@pytest.fixture(scope="session")
def forest(tmp_path_factory):
    """The one Active Directory of a run: its ports are fixed."""
    with samba_ad.ActiveDirectory(tmp_path_factory.mktemp("forest")) as directory:
        yield directory

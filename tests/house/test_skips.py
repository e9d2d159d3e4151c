"""In CI nothing is skipped in silence."""

import os
import shutil
import subprocess
import sys

import pytest

CASES = {
    "a test that skips itself": "def test_a():\n    pytest.skip('no radio')\n",
    "a mark": "@pytest.mark.skip('no radio')\ndef test_a():\n    pass\n",
    "a whole file": "pytest.skip('no radio', allow_module_level=True)\n",
    "a fixture": "def test_a(shared):\n    pass\n",
}


def run(folder, root, text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(root / "tests" / "conftest.py", folder / "conftest.py")
    (folder / "test_it.py").write_text(
        f"import pytest\n\ndef test_that_passes():\n    pass\n\n{text}"
    )
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(folder)],
        env={
            **os.environ,
            "HOMEBEAT_SHARED": str(folder / "absent"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            **environment,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_a_skip_fails_a_run_in_ci_and_its_reason_is_said(tmp_path, root, text):
    done = run(tmp_path, root, text, CI="true")
    assert done.returncode != 0
    assert "skipped, which CI does not accept" in done.stdout


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_a_skip_passes_elsewhere(tmp_path, root, text):
    done = run(tmp_path, root, text, CI="")
    assert done.returncode in (0, pytest.ExitCode.NO_TESTS_COLLECTED), done.stdout


def test_an_expected_failure_is_no_skip(tmp_path, root):
    done = run(tmp_path, root, "@pytest.mark.xfail\ndef test_a():\n    assert False\n", CI="true")
    assert done.returncode == 0, done.stdout

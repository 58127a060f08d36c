"""How Sphinx builds the site: `make docs`. Nothing is fetched, while building or while reading."""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "docs" / "_extensions"), str(ROOT)]
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])  # for cells: _extensions/lesson.py, the library

# Cells run with this profile of IPython, not with what a user has set; errors name them by number, not by a
# file in /tmp; and a kernel need not say that it talks to this machine only.
PROFILE = ROOT / "build" / "ipython" / "profile_default"
(PROFILE / "startup").mkdir(parents=True, exist_ok=True)
(PROFILE / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 40\n", encoding="utf-8")
(PROFILE / "startup" / "names.py").write_text(
    'get_ipython().compile.get_code_name = lambda *given: f"cell {given[-1]}"\n', encoding="utf-8"
)
os.environ["IPYTHONDIR"] = str(PROFILE.parent)

import tinygrad_edu  # noqa: E402

project = "tinygrad_edu"
author = copyright = "the tinygrad_edu developers"
version = release = tinygrad_edu.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.linkcode", "sphinx_copybutton",
              "source_pages", "mathml", "plain_docstrings", "progress"]  # fmt: skip
exclude_patterns = ["README.md", "reference/README.md", "_*"]  # lists for GitHub; the site has its own

# Markdown. A page whose head names a kernel is executed; the others are shown.
myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 4
myst_url_schemes = ["http", "https", "mailto", "source"]
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 900  # a loaded machine is no error
nb_merge_streams = True

# Docstrings. Types of signatures are text: what they name stands in other projects, whose lists would
# have to be fetched.
autodoc_default_options = {"members": True, "show-inheritance": True, "exclude-members": "extra_repr"}
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 90
nitpick_ignore_regex = [(r"py:.*", r".*")]

html_theme = "furo"
html_title = "tinygrad_edu"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = html_logo = "_static/logo.svg"
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
highlight_language = "text"  # of what names no language: formulas of docstrings
pygments_style, pygments_dark_style = "default", "monokai"
copybutton_exclude = ".linenos, .gp, .go"


def linkcode_resolve(domain: str, info: dict[str, Any]) -> str | None:
    """The lines that define what autodoc describes, as `source_pages` understands it."""
    found: Any = sys.modules.get(info["module"])
    for part in info["fullname"].split("."):
        look = inspect.getattr_static if inspect.isclass(found) else getattr
        found = look(found, part, None)
    found = inspect.unwrap(getattr(found, "fget", None) or getattr(found, "__func__", found))
    try:
        path = Path(inspect.getsourcefile(found) or "").resolve().relative_to(ROOT).as_posix()
        line = inspect.getsourcelines(found)[1]
    except (TypeError, OSError, ValueError):
        return None
    return f"source:{path}#L-{line}"

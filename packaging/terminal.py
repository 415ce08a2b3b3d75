"""Run commands in a terminal of their own and show what they printed, as it looks there."""

import html
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

COLUMNS = 88
# What is typed on the page, in this order, in one empty folder; what each step is about.
STEPS = (
    ("Get the examples: configs, articles, pages.", "evalharness examples"),
    (
        "Check a saved news page. One number of its summary is wrong.",
        "evalharness check configs/pages/harvest.txt",
    ),
    (
        "Score what two settings of a small model wrote, beside baselines. No model is loaded.",
        "evalharness demo",
    ),
    (
        "Look at one article: which words are flagged, and which sentence says otherwise.",
        "evalharness show results/demo/smollm2-drawn harbour-ferry",
    ),
    (
        "Is one of the two better? Differences with intervals and p-values.",
        "evalharness compare results/demo/smollm2-greedy results/demo/smollm2-drawn",
    ),
    (
        "The same question for a CI job: the exit code is the answer.",
        "evalharness gate results/demo/lead-3 results/demo/lead1-bart"
        " --rules configs/gate.yaml; echo exit code $?",
    ),
    (
        "Derive every figure again from what lies on disk.",
        "evalharness verify results/demo/lead-3",
    ),
)
_STYLE = re.compile(r"\x1b\[([\d;]*)m")
_OTHER_CODE = re.compile(r"\x1b\[[\d;?]*[A-Za-ln-z]|\x1b\][^\x07]*\x07")
_CLASSES = {"1": "bold", "2": "dim", "4": "underline", "7": "reverse"} | {
    f"3{n}": name
    for n, name in enumerate(("dim", "red", "green", "yellow", "blue", "purple", "teal"))
}


def output_of(command: str, folder: Path) -> str:
    """Run a command in a folder on a terminal of 88 columns; return what it printed, with codes.

    What goes to stderr stands below it, as in a file: progress is not drawn again and again.
    """
    import pty

    typed = re.sub(r"\bevalharness(?= )", f"{shlex.quote(sys.executable)} -m evalharness", command)
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "LINES": "60", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603  the steps above
        ["/bin/bash", "-c", typed], cwd=folder, env=environment,
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(theirs)
    printed = bytearray()
    try:
        while block := os.read(ours, 65536):
            printed += block
    except OSError:  # Linux: the other end was closed
        pass
    os.close(ours)
    printed += process.communicate()[1]
    return printed.decode("utf-8").replace("\r\n", "\n")


def html_of(printed: str) -> str:
    """Return what a terminal shows as HTML: bold, dim, underlined and coloured words as spans."""
    lines = [line.rpartition("\r")[2] for line in _OTHER_CODE.sub("", printed).split("\n")]
    pieces = _STYLE.split("\n".join(lines).rstrip("\n"))
    classes: list[str] = []
    shown = [html.escape(pieces[0], quote=False)]
    for codes, text in zip(pieces[1::2], pieces[2::2], strict=True):
        for code in codes.split(";"):
            classes = [] if code in ("", "0") else [*classes, _CLASSES.get(code, "")]
        words = html.escape(text, quote=False)
        names = " ".join(f"t-{name}" for name in sorted(filter(None, set(classes))))
        shown.append(f'<span class="{names}">{words}</span>' if names and words else words)
    return "".join(shown)


def walk(folder: Path) -> str:
    """Return the page of the walk: each command as it is typed, and what it printed."""
    parts = [
        "# A walk through the terminal",
        "Recorded when this site was built: each command was run in one empty folder, in this "
        "order, without a network, a GPU or torch. To repeat it, install evalharness and type "
        "the same.",
    ]
    for heading, command in STEPS:
        shown = html_of(output_of(command, folder))
        # A blank line would end the block of HTML in Markdown.
        block = f'<span class="t-prompt">$ {html.escape(command)}</span>\n{shown}'
        block = re.sub(r"\n(?=\n)", "\n<span></span>", block)
        title = command.split()[1]
        parts.append(f'## {title}\n\n{heading}\n\n<pre class="terminal"><code>{block}</code></pre>')
    return "\n\n".join(parts) + "\n"

"""The HTML report: self-contained, escaped, readable without colour, and alive in a real browser where there is one."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

import verifier
from tests.unit.result_samples import VERDICTS, document, everything, result
from verifier import cli
from verifier.report.document import Document
from verifier.report.formats import render
from verifier.report.html import page
from verifier.report.markup import element, join, void
from verifier.report.stream import stream

PROGRAM = """order = select(tokens, tokens, <);
place = selector_width(order);
r = aggregate(select(place, indices, ==), tokens, "-");
#@ scope lengths=1..3 alphabet=ab
#@ ensures sorted: forall i, j: i < j => r[i] <= r[j]
#@ ensures same: forall i: count(r, tokens[i]) == count(tokens, tokens[i])
#@ cover reached: n == 3 and place[0] == 0
"""
BROWSER = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
VOID = ("meta", "input")


class _Checked(HTMLParser):
    """Checks that tags are balanced, and collects what there is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """A run of a program with a counterexample, proofs and a cover."""
    path = tmp_path_factory.mktemp("html") / "p.rasp"
    path.write_text(PROGRAM, encoding="utf-8")
    return document(*(one.result for one in verifier.load(path).verify()))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled program."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "r.rasp").write_text(
        "r = aggregate(select(indices, length - 1 - indices, ==), tokens);\n", encoding="utf-8"
    )
    asked = ["compile", str(folder / "r.rasp::r"), "--lengths", "1..4", "--alphabet", "ab", "-o", str(folder / "model")]
    assert cli.main(asked) == 0
    return folder / "model"


def test_markup_is_escaped_once_and_only_once() -> None:
    made = element("a", "<b>\x00", element("i", "&"), title='"<', data_x=None, class_="c")
    assert made == '<a title="&quot;&lt;" class="c">&lt;b&gt;\\x00<i>&amp;</i></a>'
    assert join("<", made) == "&lt;" + made
    assert void("meta", name="x") == '<meta name="x">'


def test_the_page_is_whole_whatever_is_in_the_results() -> None:
    text = page([everything()])
    found = _Checked(text)
    assert len(found.all("section")) == 2 * len(VERDICTS) + 1
    assert "<script>alert" not in text
    assert not set(text) & {"\x1b", "\x00", "\u202e"}
    text.encode("utf-8")


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(run: Document) -> None:
    text = page([run])
    found = _Checked(text)
    (policy,) = (str(meta["content"]) for meta in found.all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not any(key in attributes for _, attributes in found.tags for key in ("src", "style", "onclick"))
    assert all(str(link["href"]).startswith("#p") for link in found.all("a"))
    assert re.findall(r"https?://[^\"<\s]*", text) == ["http://www.w3.org/2000/svg"] * text.count("xmlns=")


def test_every_link_of_the_grid_leads_to_its_property(run: Document) -> None:
    found = _Checked(page([run, run]))
    places = [str(section["id"]) for section in found.all("section")]
    assert len(set(places)) == len(places) == 2 * len(run.results)
    assert {str(link["href"]) for link in found.all("a")} == {f"#{place}" for place in places}


def test_the_grid_says_by_sign_and_word_what_is_known_of_each_length(run: Document) -> None:
    text = page([run])
    cells = re.findall(r'<td class="cell \w+" title="(length \d: [^"]*)">(.?)</td>', text)
    assert ("length 2: the counterexample", "✗") in cells
    assert any(title.startswith("length 3: closed by") and sign == "✓" for title, sign in cells)
    assert ("length 3: the input asked for", "✓") in cells
    assert any(title.startswith("length 2: closed by") and sign == "○" for title, sign in cells)
    unknown = page([document(result("unknown"))])
    assert '<td class="cell open" title="length 2: rlimit">?</td>' in unknown


def test_the_counterexample_shows_the_run_and_every_selector_that_matters(run: Document) -> None:
    text = page([run])
    (ordered,) = [one for one in run.results if one.name == "same"]
    assert ordered.trace is not None
    assert text.count('<g class="row"') > 0
    assert "<code>order</code>" in text
    assert "the computation by layer and head" in text
    assert re.search(r"layer(&nbsp;|\s|\N{NO-BREAK SPACE})1", text)


def test_a_program_that_has_changed_is_not_drawn(run: Document, tmp_path: Path) -> None:
    path = tmp_path / "p.rasp"
    path.write_text(PROGRAM.replace("selector_width(order)", "selector_width(order) + 1"), encoding="utf-8")
    changed = [type(one)(**{**one.__dict__, "file": str(path)}) for one in run.results]
    assert "The program has changed since, so it is not drawn." in page([document(*changed)])
    path.unlink()
    assert "The program cannot be drawn" in page([document(*changed)])


def test_rasp_report_writes_the_page(run: Document, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(render(run, "json"), encoding="utf-8")
    assert cli.main(["report", str(tmp_path / "r.json"), "-o", str(tmp_path / "p.html")]) == 0
    _Checked((tmp_path / "p.html").read_text(encoding="utf-8"))
    (tmp_path / "bad.json").write_text("{}", encoding="utf-8")
    assert cli.main(["report", str(tmp_path / "bad.json"), "-o", str(tmp_path / "q.html")]) == 2


def test_bounds_are_charted_from_the_certificates_that_are_accepted(tmp_path: Path, checkout: Path) -> None:
    """Against the front of a program that the paper draws with two heads in one of four layers."""
    target = checkout / "spec" / "programs" / "paper" / "dyck_ptf.rasp"
    path = tmp_path / "c.json"
    assert cli.main(["bounds", f"{target}::dyck2_ptf", "--model", "paper", "-o", str(path)]) == 0
    data = json.loads(path.read_text(encoding="utf-8"))
    forged = [dict(one) for one in data["certificates"] if one["kind"] == "schedule"][:1]
    forged[0]["limits"] = {"layers": 1, "heads": 1, "total heads": None}
    data["certificates"] += forged
    path.write_text(json.dumps(data), encoding="utf-8")
    assert cli.main(["report", str(path), "-o", str(tmp_path / "p.html")]) == 0
    text = (tmp_path / "p.html").read_text(encoding="utf-8")
    _Checked(text)
    pattern = r'title="(\d layers, \d heads): [^"]*">(.)(?:<small> [cwp]</small>)?</td>'
    cells = dict(re.findall(pattern, text.split("total heads down")[0]))
    found = {(layers, heads): cells[f"{layers} layers, {heads} heads"] for layers in (3, 4, 5) for heads in (1, 2)}
    assert found == {(3, 1): "✗", (3, 2): "✗", (4, 1): "✗", (4, 2): "●", (5, 1): "●", (5, 2): "✓"}
    assert "✗ REJECTED" in text
    assert cells["1 layers, 1 heads"] == "✗"
    assert re.search(r'title="3 layers, 2 heads: [^"]*not layers &lt;= 3[^"]*chain[^"]*">✗<small> c</small>', text)
    path.write_text('{"format": "rasp-bounds", "version": 1}', encoding="utf-8")
    assert cli.main(["report", str(path), "-o", str(tmp_path / "p.html")]) == 2


def test_claims_about_a_class_are_charted_with_what_shows_them(tmp_path: Path) -> None:
    """`(ab)*` needs two layers of the class, by two positions that one layer cannot tell apart."""
    path = tmp_path / "c.json"
    asked = ["bounds", "--regex", "(ab)*", "--lengths", "1..4", "--alphabet", "ab", "--class", "rightmost/past"]
    assert cli.main([*asked, "-o", str(path)]) == 0
    assert cli.main(["report", str(path), "-o", str(tmp_path / "p.html")]) == 0
    text = (tmp_path / "p.html").read_text(encoding="utf-8")
    _Checked(text)
    (chart,) = re.findall(r"layers of rightmost/past</figcaption>(.*?)</figure>", text)
    assert re.findall(r'scope="col">(\d)</th>', chart) == ["0", "1", "2"]
    assert re.findall(r">([●✗])(?:<small> (.)</small>)?</td>", chart) == [("✗", "i"), ("✗", "i"), ("●", "")]


def test_a_compiled_model_is_shown_by_what_its_dimensions_hold(model: Path, tmp_path: Path) -> None:
    """Against the files of the folder: every dimension has one writer, and each head reads what the circuit says."""
    assert cli.main(["report", str(model), "-o", str(tmp_path / "p.html")]) == 0
    text = (tmp_path / "p.html").read_text(encoding="utf-8")
    _Checked(text)
    cells = re.findall(r'title="dimension (\d+), ([^"]*?): [^"]*">([^<]*)</td>', text)
    labels = json.loads((model / "residual_labels.json").read_text(encoding="utf-8"))
    written = sorted(label["dimension"] for label in labels)
    assert sorted(int(number) for number, _, mark in cells if "●" in mark) == written
    ends = sorted(label["dimension"] for label in labels if label["until"] is not None)
    assert sorted(int(number) for number, _, mark in cells if "○" in mark) == ends
    circuit = json.loads((model / "circuit.json").read_text(encoding="utf-8"))
    for layer in circuit["layers"]:
        for head in layer["heads"]:
            where = f"layer {layer['block'] + 1}, head {head['head']}"
            for key, letter in (("queries", "q"), ("keys", "k"), ("values", "v")):
                found = {int(number) for number, part, mark in cells if part == where and letter in mark.split()}
                assert found == set(head["reads"][key])
    (token,) = (label for label in labels if label["writer"] == "token")
    assert "; ".join(f"{number} for {point[0][1]}" for point, number in token["values"]) in text


@pytest.mark.parametrize("name", ["config.json", "circuit.json", "residual_labels.json"])
def test_a_folder_without_a_model_is_an_error(name: str, model: Path, tmp_path: Path) -> None:
    """Missing, torn, and of another shape."""
    folder = tmp_path / "m"
    shutil.copytree(model, folder)
    for text in (None, "{", "[1]", '{"layers": 3}'):
        (folder / name).unlink(missing_ok=True)
        if text is not None:
            (folder / name).write_text(text, encoding="utf-8")
        assert cli.main(["report", str(folder), "-o", str(tmp_path / "p.html")]) == 2
    assert not (tmp_path / "p.html").exists()


def test_an_answer_shows_itself_in_a_notebook() -> None:
    answer = verifier.loads(PROGRAM).prove("all(r == tokens)", alphabet="ab", lengths=2)
    found = _Checked(answer._repr_html_())
    assert found.all("script") == []
    assert len(found.all("svg")) > 0


# ------------------------------------------------------------------------------------------------ in a browser

# Points at the first row of each selector that reads something, presses j, and leaves what it saw in the title.
SCRIPT = """{
const row = [...document.querySelectorAll("g.row")].find((one) => one.dataset.keys !== "");
row.dispatchEvent(new Event("mouseenter"));
const run = row.closest(".run");
const keys = row.dataset.keys.split(" ");
const lit = new Set([...run.querySelectorAll("[data-position].reads")].map((one) => one.dataset.position));
const linked = keys.length === lit.size && keys.every((key) => lit.has(key));
const others = [...run.querySelectorAll("g.row.queries")].every((one) => one.dataset.query === row.dataset.query);
row.dispatchEvent(new Event("mouseleave"));
const cleared = run.querySelectorAll(".reads, .queries").length === 0;
document.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
const moved = document.activeElement === document.querySelector("section.property");
const only = document.getElementById("only");
only.click();
const hidden = [...document.querySelectorAll("section.expected")].every((one) => one.offsetParent === null);
document.title = JSON.stringify({ linked, others, cleared, moved, hidden });
}"""


FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium here: the page is not tried in a browser")


def _browse(path: Path, folder: Path) -> tuple[str, str]:
    """The page as it is after its scripts ran, and what the browser had to say."""
    assert BROWSER is not None
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder}", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


@needs_browser
def test_the_page_is_alive_in_a_browser_and_complains_of_nothing(run: Document, model: Path, tmp_path: Path) -> None:
    text = page([run], [stream(model)])
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    allowed = text.replace("script-src &#x27;", f"script-src 'sha256-{digest}' &#x27;", 1)
    path = tmp_path / "p.html"
    path.write_text(allowed.replace("</body>", f"<script>{SCRIPT}</script></body>"), encoding="utf-8")
    shown, complaints = _browse(path, tmp_path / "u")
    assert complaints == ""
    (title,) = re.findall(r"<title>(\{.*?\})</title>", shown)
    expected = '{"linked":true,"others":true,"cleared":true,"moved":true,"hidden":true}'
    assert title.replace("&quot;", '"') == expected
    # The policy keeps everything else out, and the browser says so: silence above means something.
    path.write_text(text.replace("</body>", f"<script>{SCRIPT}</script></body>"), encoding="utf-8")
    shown, complaints = _browse(path, tmp_path / "v")
    assert "Content Security Policy" in complaints
    assert "<title>{" not in shown

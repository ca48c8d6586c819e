"""The page of `dovetail explain --html` in a headless Chromium.

It needs selenium and Debian's packages chromium and chromium-driver: `make test-browser`.
"""

import json
import shutil
import time

import onnx
import pytest
from small_network import small_network

from dialects.target import Target
from dovetail.explain.collect import add_code, explain_module
from dovetail.explain.nodes import read_source
from dovetail.explain.page import page

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="there is no chromium-driver")
TARGET = Target.parse("llvm -mcpu=x86-64-v2 -num-threads=2")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The file of a page, and the report that it shows; its times are made up."""
    folder = tmp_path_factory.mktemp("page")
    onnx.save(small_network(), folder / "small.onnx")
    module, nodes = read_source(folder / "small.onnx", {})
    report = explain_module(module, nodes, "small.onnx", TARGET, lambda done, total: None)
    add_code(report, module, TARGET, lambda done, total: None)
    for number, call in enumerate(report.calls):
        call.milliseconds = 1.0 + number
    path = folder / "report.html"
    path.write_text(page(report))
    return path, report


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(autouse=True)
def no_complaints(request):
    """Nothing is logged to the console and nothing is loaded but the page."""
    yield
    driver = request.getfixturevalue("browser")
    assert driver.get_log("browser") == []
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            assert message["params"]["request"]["url"].startswith("file:"), message


def until(condition):
    for _ in range(200):
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("the page did not get there")


def open_view(driver, path, view="#overview", width=1280, dark=False):
    """Show a view of the page in a window of a width."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    driver.get("about:blank")
    driver.get(f"{path.as_uri()}{view}")
    until(lambda: driver.execute_script("return document.body.dataset.ready") == view)


def find(driver, selector):
    return driver.find_elements("css selector", selector)


def press(driver, key):
    driver.find_element("tag name", "main").send_keys(key)


def test_every_kernel_is_shown_at_every_level(browser, written):
    path, report = written
    open_view(browser, path)
    assert len(find(browser, "#kernels a")) == len(report.kernels)
    assert len(find(browser, ".chart .bar")) == len(report.kernels)
    assert len(find(browser, ".plan rect")) == len(report.buffers)
    assert len(find(browser, "tbody tr")) == len(report.nodes)
    for name, kernel in report.kernels.items():
        open_view(browser, path, f"#kernel/{name}")
        titles = [title.text.split(" ")[0] for title in find(browser, ".levels h4")]
        assert titles[-3:] == ["loops", "loops", "listing"]
        assert ("graph" in titles) == any(v.level == "graph" for v in kernel.versions)
        lines = find(browser, ".levels .pane:nth-last-child(2) .line")
        assert len(lines) == len(kernel.versions[-1].lines)
        assert len(find(browser, ".levels .why")) == len(lines)
        assert len(find(browser, "details")) == 2
    open_view(browser, path, "#network")
    assert "graph.conv" in browser.find_element("css selector", ".code").text


def test_stepping_shows_each_step_and_marks_its_lines(browser, written):
    path, report = written
    kernel = report.kernels["conv_relu"]
    open_view(browser, path, "#kernel/conv_relu")
    told = browser.find_element("tag name", "output")
    for number, version in enumerate(kernel.versions):
        assert told.text.startswith(f"{number + 1} of {len(kernel.versions)}")
        assert version.step in told.text
        if "vectorize-loop" in version.step:
            marked = find(browser, ".stepper + .pane .line.new")
            assert len(marked) == 1 and "vectorized" in marked[0].text
        press(browser, "\ue014")
    press(browser, "\ue012")
    assert told.text.startswith(f"{len(kernel.versions) - 1} of ")


def test_pointing_at_a_line_lights_up_its_node_everywhere(browser, written):
    path, _ = written
    open_view(browser, path, "#kernel/conv_relu")
    panes = find(browser, ".levels .pane")
    (relu,) = [x for x in panes[0].find_elements("css selector", ".line") if ".relu" in x.text]
    word = relu.find_element("tag name", "b")
    webdriver.ActionChains(browser).move_to_element(word).perform()
    for pane in panes:
        until(lambda pane=pane: pane.find_elements("css selector", ".line.hit"))
        lit = [line.text for line in pane.find_elements("css selector", ".line.hit")]
        assert not any("mulf" in line for line in lit)


def test_finding_and_moving_with_keys(browser, written):
    path, _ = written
    open_view(browser, path)
    press(browser, "/")
    search = browser.switch_to.active_element
    assert search.get_attribute("id") == "search"
    search.send_keys("bn")
    assert [a.text.split("\n")[0] for a in find(browser, "#kernels .row span:first-child")] == [
        "conv_relu"
    ]
    search.send_keys("\ue007")
    until(
        lambda: browser.execute_script("return document.body.dataset.ready") == "#kernel/conv_relu"
    )
    search.send_keys("\ue00c")
    press(browser, "j")
    until(lambda: "conv_relu" not in browser.execute_script("return location.hash"))


def luminance(color):
    """Relative luminance, as WCAG 2 defines it, of `rgb(r, g, b)`."""
    parts = [int(p) / 255 for p in color[color.index("(") + 1 : -1].split(",")[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


BACKDROP = """
let at = arguments[0];
while (at && getComputedStyle(at).backgroundColor === "rgba(0, 0, 0, 0)") at = at.parentElement;
return [getComputedStyle(arguments[0]).color, at ? getComputedStyle(at).backgroundColor : ""];
"""


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_contrast_and_the_button_changes_the_theme(browser, written, dark):
    path, _ = written
    open_view(browser, path, "#kernel/conv_relu", dark=dark)
    theme = "return document.documentElement.dataset.theme"
    assert browser.execute_script(theme) == ("dark" if dark else "light")
    press(browser, "\ue014")
    selectors = ("h1", ".target", "nav small", ".number", "dt", "dd", ".line b", ".line i")
    for selector in (*selectors, ".line u", ".why", ".note", ".layouts", "kbd", "summary"):
        color, back = browser.execute_script(BACKDROP, find(browser, selector)[0])
        low, high = sorted((luminance(color), luminance(back)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, f"{selector}: {color} on {back}"
    browser.find_element("id", "theme").click()
    assert browser.execute_script(theme) == ("light" if dark else "dark")


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(browser, written, width):
    path, report = written
    for view in ("#overview", "#network", *(f"#kernel/{name}" for name in report.kernels)):
        open_view(browser, path, view, width)
        for box in find(browser, "details summary"):
            box.click()
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width, view

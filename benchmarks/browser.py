"""A real browser, without a screen, with the page of `nndl draw` in it: Debian's Chromium.

    apt-get install chromium chromium-driver
    pip install selenium
"""

import base64
import contextlib
import json
import shutil
from pathlib import Path

ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--hide-scrollbars",
             "--window-size=1280,900")


def missing():
    """What is not installed here that a browser needs, in words; "" if nothing."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "no selenium: `pip install selenium` brings it"
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        return "no Chromium: `apt-get install chromium chromium-driver` brings it"
    return ""


@contextlib.contextmanager
def browsing(url):
    """A Page that shows url, until the end of the block."""
    from selenium import webdriver
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        driver.get(url)
        yield Page(driver)
    finally:
        driver.quit()


class Page:
    """The page of `nndl draw` in a browser; `driver` is Selenium's."""

    def __init__(self, driver):
        from selenium.webdriver import Keys
        self.driver, self.keys = driver, Keys

    def screen(self, width, height, phone=False, dark=False):
        """As if on another screen, from the next loading on.

        width, height : of what the page has, CSS pixels;  phone : a touch screen, two pixels each
        dark : as if the system had been told that everything shall be dark
        """
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1 + phone, "mobile": phone})
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def run(self, script, *arguments):
        """What a function body in JavaScript returns; `arguments` are there."""
        return self.driver.execute_script(script, *arguments)

    def find(self, id):
        """The element with this id."""
        return self.driver.find_element("id", id)

    def all(self, selector):
        """The elements that a CSS selector selects."""
        return self.driver.find_elements("css selector", selector)

    def text(self, id):
        """What stands in an element."""
        return self.find(id).get_attribute("textContent")

    def click(self, id):
        """Click an element."""
        self.find(id).click()

    def press(self, id, *keys):
        """Press keys, an element having the focus."""
        self.find(id).send_keys(*keys)

    def draw(self, strokes, kind="pen"):
        """Strokes on the sheet as a real pointer makes them.

        strokes : [[(x, y), ...], ...], parts of the sheet;  kind : "mouse", "pen" or "touch"
        """
        from selenium.webdriver.common.actions.action_builder import ActionBuilder
        from selenium.webdriver.common.actions.pointer_input import PointerInput
        left, top, side = self.run("const {left, top, width} = document.getElementById('sheet')"
                                   ".getBoundingClientRect(); return [left, top, width]")
        for stroke in strokes:
            actions = ActionBuilder(self.driver, mouse=PointerInput(kind, kind), duration=0)
            pointer = actions.pointer_action
            for number, (x, y) in enumerate(stroke):
                pointer.move_to_location(round(left + side * x), round(top + side * y))
                if number == 0:
                    pointer.pointer_down()
            pointer.pointer_up()
            actions.perform()

    def main_thread(self):
        """How long the page's main thread has worked since the first call, s."""
        self.driver.execute_cdp_cmd("Performance.enable", {})
        metrics = self.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

    def requests(self):
        """The addresses of all that was requested since the last call."""
        log = self.driver.get_log("performance")
        events = [json.loads(entry["message"])["message"] for entry in log]
        return [event["params"]["request"]["url"] for event in events
                if event["method"] == "Network.requestWillBeSent"]

    def screenshot(self, path, whole=False):
        """Keep a picture of what is seen, or of the whole page."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not whole:
            self.driver.save_screenshot(str(path))
            return
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {
            "captureBeyondViewport": True, "clip": {**size, "x": 0, "y": 0, "scale": 1}})
        path.write_bytes(base64.b64decode(shot["data"]))

//! A browser window, as a person with certain settings has it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::error::{WebDriverError, WebDriverErrorInner};
use thirtyfour::extensions::query::ElementQueryable;
use thirtyfour::{
    By, ChromiumLikeCapabilities, DesiredCapabilities, Key, SessionId, TypingData, WebDriver, WebElement,
};

use url::Url;

use super::driver;

/// How the browser is set; start from `View::default()` and change what the test is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) javascript: bool,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) dark: bool,
    pub(crate) forced_colors: bool,
    /// A name of the time zone database.
    pub(crate) timezone: &'static str,
}

impl Default for View {
    fn default() -> Self {
        Self {
            javascript: true,
            width: 1280,
            height: 800,
            dark: false,
            forced_colors: false,
            timezone: "America/New_York",
        }
    }
}

/// How long a page may take for what it is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// One window with its own profile, closed when it is dropped.
pub(crate) struct Browser {
    driver: WebDriver,
    javascript: bool,
}

const ARGUMENTS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-breakpad",
    "--hide-scrollbars",
    "--force-prefers-reduced-motion",
    "--lang=en-US",
];

impl Browser {
    /// Opens a window; the driver gives each one a profile of its own, under its folder.
    pub(crate) async fn start(view: View) -> Self {
        let mut wanted = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            wanted.add_arg(argument).expect("the argument is taken");
        }
        wanted.set_browser_log_level(thirtyfour::LoggingPrefsLogLevel::All).expect("the log level is taken");
        drop(rustls::crypto::ring::default_provider().install_default());
        let driver = WebDriver::new(driver::url(), wanted).await.expect("the browser starts");
        let browser = Self { driver, javascript: view.javascript };
        browser.driver.set_script_timeout(Duration::from_secs(30)).await.expect("the time-out is set");
        browser.resize(view.width, view.height).await;
        browser.set_media(view.dark, view.forced_colors).await;
        browser.command("Emulation.setTimezoneOverride", json!({ "timezoneId": view.timezone })).await;
        browser.allow_scripts(view.javascript).await;
        if std::env::var_os("FAIRDIAL_TEST_SLOW_BROWSER").is_some() {
            browser.slow_down().await;
        }
        browser
    }

    /// Answers that come late and a processor that is busy elsewhere: what a test forgets to wait for shows.
    async fn slow_down(&self) {
        let network = json!({ "offline": false, "latency": 300, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.command("Network.enable", json!({})).await;
        self.command("Network.emulateNetworkConditions", network).await;
        self.command("Emulation.setCPUThrottlingRate", json!({ "rate": 4 })).await;
    }

    /// Whether pages may run scripts from now on; this never runs those of a page that is already there.
    pub(super) async fn allow_scripts(&self, allowed: bool) {
        self.command("Emulation.setScriptExecutionDisabled", json!({ "value": !allowed })).await;
    }

    /// What the view said.
    pub(super) fn javascript(&self) -> bool {
        self.javascript
    }

    /// The driver itself, for what has no helper here.
    pub(crate) fn driver(&self) -> &WebDriver {
        &self.driver
    }

    pub(crate) async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap_or_else(|error| panic!("{url} does not open: {error}"));
    }

    pub(crate) async fn url(&self) -> String {
        self.driver.current_url().await.expect("the window has an address").to_string()
    }

    /// Waits until the page's title begins so, at most ten seconds.
    pub(crate) async fn is_titled(&self, beginning: &str) {
        self.wait_until(&format!("return document.title.startsWith({})", json!(beginning))).await;
    }

    /// Waits until the address of the page has this in it, at most ten seconds.
    pub(crate) async fn is_at(&self, part: &str) {
        self.wait_until(&format!("return location.href.includes({})", json!(part))).await;
    }

    /// The viewport, below a window's smallest width too.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", size).await;
    }

    pub(crate) async fn set_media(&self, dark: bool, forced_colors: bool) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" } },
            { "name": "forced-colors", "value": if forced_colors { "active" } else { "none" } },
        ]);
        self.command("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Waits until the element is there, at most ten seconds.
    pub(crate) async fn find(&self, selector: &str) -> WebElement {
        let query = self.driver.query(By::Css(selector.to_owned()));
        let query = query.wait(LONGEST_WAIT, Duration::from_millis(25));
        query.first().await.unwrap_or_else(|error| panic!("{selector} is not on the page: {error}"))
    }

    /// Clicks the first of these that is shown, as soon as that can be done.
    pub(crate) async fn click(&self, selector: &str) {
        self.click_on(&By::Css(selector.to_owned()), selector).await;
    }

    /// Ten seconds at most: what a busy machine shows lately, moves or replaces meanwhile is no other element to a person.
    async fn click_on(&self, target: &By, name: &str) {
        let since = Instant::now();
        loop {
            let query = self.driver.query(target.clone()).and_displayed();
            let query = query.wait(LONGEST_WAIT, Duration::from_millis(25));
            let target = query.first().await.unwrap_or_else(|error| panic!("{name} is not to be seen: {error}"));
            let page = self.find("html").await;
            let leaves = !self.javascript && target.tag_name().await.is_ok_and(|name| name == "button" || name == "a");
            match target.click().await {
                Ok(()) if leaves => return self.wait_for_leaving(&page, name).await,
                Ok(()) => return,
                Err(error) => {
                    assert!(since.elapsed() < LONGEST_WAIT, "{name} can't be clicked: {error}");
                    actix_web::rt::time::sleep(Duration::from_millis(25)).await;
                }
            }
        }
    }

    pub(crate) async fn has(&self, selector: &str) -> bool {
        let found = self.driver.find_all(By::Css(selector.to_owned())).await.expect("the page answers");
        !found.is_empty()
    }

    /// The text as it is shown, read again where the element was replaced meanwhile.
    pub(crate) async fn text(&self, selector: &str) -> String {
        for _ in 0..20 {
            match self.find(selector).await.text().await {
                Err(error) if is_stale(&error) => {}
                read => return read.unwrap_or_else(|error| panic!("{selector} has no text: {error}")),
            }
        }
        panic!("{selector} is replaced again and again");
    }

    /// Waits until the element has these words in it as it is shown, at most ten seconds.
    pub(crate) async fn says(&self, selector: &str, words: &str) {
        let since = Instant::now();
        loop {
            let text = self.text(selector).await;
            if text.contains(words) {
                return;
            }
            assert!(since.elapsed() < LONGEST_WAIT, "{selector} says {text:?} and not {words:?}");
            actix_web::rt::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Types into the control of this name, in place of what stood there.
    pub(crate) async fn fill(&self, name: &str, value: &str) {
        let control = self.find(&format!("[name=\"{name}\"]")).await;
        control.clear().await.expect("the control is emptied");
        control.send_keys(value).await.unwrap_or_else(|error| panic!("{name} takes no text: {error}"));
    }

    /// Clicks the button or link with exactly these words, as soon as that can be done.
    pub(crate) async fn press(&self, words: &str) {
        let path = format!("//*[self::button or self::a or self::summary][normalize-space()=\"{words}\"]");
        self.click_on(&By::XPath(path), words).await;
    }

    /// Without scripts a button or a link opens a page; a busy machine begins it after the click has returned.
    async fn wait_for_leaving(&self, page: &WebElement, clicked: &str) {
        for _ in 0..400 {
            if page.tag_name().await.is_err() {
                return;
            }
            actix_web::rt::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{clicked} opens nothing");
    }

    /// Sends text or a `Key` to whatever has the focus.
    pub(crate) async fn keys(&self, keys: impl Into<TypingData>) {
        let chain = self.driver.action_chain().send_keys(keys);
        chain.perform().await.expect("the keys are sent");
    }

    /// Presses a letter, or `Control+Enter`, that may lead to another page. The driver performs a chain of keys anew when the page
    /// it began on is gone, so that such a key would be pressed again on the next one.
    pub(crate) async fn leaving_key(&self, key: &str) {
        let pressed = match key.strip_prefix("Control+") {
            Some(key) => json!({ "type": "rawKeyDown", "key": key, "modifiers": 2 }),
            None => json!({ "type": "keyDown", "key": key, "text": key }),
        };
        let mut released = pressed.clone();
        released["type"] = json!("keyUp");
        self.command("Input.dispatchKeyEvent", pressed).await;
        self.command("Input.dispatchKeyEvent", released).await;
    }

    pub(crate) async fn tab(&self) {
        self.keys(Key::Tab).await;
    }

    /// Waits until this element has the focus, at most ten seconds.
    pub(crate) async fn is_on(&self, selector: &str) {
        self.wait_until(&format!("return document.activeElement.matches({})", json!(selector))).await;
    }

    /// What a script returns; it runs past the page's content security policy.
    pub(crate) async fn evaluate(&self, script: &str) -> Value {
        let value = self.driver.execute(script, Vec::new()).await;
        value.unwrap_or_else(|error| panic!("{script}: {error}")).json().clone()
    }

    /// Waits until the script returns true, at most ten seconds.
    pub(crate) async fn wait_until(&self, script: &str) {
        self.gives(script, true).await;
    }

    /// Waits until the script returns this, at most ten seconds; one that a page takes with it as it goes is run again.
    pub(crate) async fn gives(&self, script: &str, expected: impl Into<Value>) {
        let (since, expected) = (Instant::now(), expected.into());
        loop {
            let given = self.driver.execute(script, Vec::new()).await.map(|value| value.json().clone());
            if given.as_ref().is_ok_and(|value| *value == expected) {
                return;
            }
            let in_time = since.elapsed() < LONGEST_WAIT;
            assert!(in_time, "{script} gives {given:?} and not {expected} on {}", self.url().await);
            actix_web::rt::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Whether the page as a whole scrolls sideways.
    pub(crate) async fn scrolls_sideways(&self) -> bool {
        let script = "const e = document.documentElement; return e.scrollWidth > e.clientWidth;";
        self.evaluate(script).await == Value::Bool(true)
    }

    /// Errors and warnings of the console since the last call: script errors, refused content, failed requests.
    pub(crate) async fn console(&self) -> Vec<String> {
        let entries = self.driver.browser_log().await.expect("the log is readable");
        let serious = entries.into_iter().filter(|entry| entry.level == "SEVERE" || entry.level == "WARNING");
        serious.map(|entry| entry.message).collect()
    }

    /// Writes `target/screenshots/NAME.png`.
    pub(crate) async fn screenshot(&self, name: &str) -> PathBuf {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in target/");
        let folder = target.join("screenshots");
        std::fs::create_dir_all(&folder).expect("a folder for screenshots");
        let file = folder.join(format!("{name}.png"));
        self.driver.screenshot(&file).await.expect("a screenshot is taken");
        file
    }

    /// A command of the `DevTools` protocol.
    pub(crate) async fn command(&self, method: &str, parameters: Value) -> Value {
        let answer = self.driver.cdp().send_raw(method, parameters).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }
}

impl Drop for Browser {
    /// Ends the browser, also when the test panics.
    ///
    /// The driver library does so too, but over a connection that this blocked thread would have to
    /// serve: it waits for its time-out, a minute or two.
    fn drop(&mut self) {
        let ended = end_session(self.driver.server_url(), self.driver.session_id());
        if let (Err(error), false) = (ended, std::thread::panicking()) {
            panic!("the browser does not end: {error}");
        }
        if self.driver.clone().leak().is_err() {
            eprintln!("the browser was ended before");
        }
    }
}

/// Whether the element was replaced since it was found.
fn is_stale(error: &WebDriverError) -> bool {
    matches!(error.as_inner(), WebDriverErrorInner::StaleElementReference(_))
}

fn end_session(driver: &Url, session: &SessionId) -> std::io::Result<()> {
    let address = driver.socket_addrs(|| None)?;
    let mut stream = TcpStream::connect(address.as_slice())?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "DELETE /session/{session} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    if &answer == b"HTTP/1.1 200" { Ok(()) } else { Err(std::io::Error::other("it was refused")) }
}

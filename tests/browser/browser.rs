//! Chromium behind its driver, one of each a test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use thirtyfour::ChromiumLikeCapabilities;
use thirtyfour::error::WebDriverErrorInner;
use thirtyfour::prelude::*;

/// What a test's browser is like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Habits {
    /// Whether it runs no scripts.
    pub without_scripts: bool,
}

/// A page in a browser. Everything that fails here fails the test.
pub struct Browser {
    pub driver: WebDriver,
    base: String,
}

/// How often a page is looked at again, and how long that is apart: half a minute in all, for slow machines.
pub const TRIES: u32 = 600;
pub const MOMENT: Duration = Duration::from_millis(50);

/// Whether an element is of a page that has been replaced.
fn is_gone(error: &WebDriverError) -> bool {
    matches!(
        error.as_inner(),
        WebDriverErrorInner::StaleElementReference(_) | WebDriverErrorInner::NoSuchElement(_)
    ) || error.to_string().contains("does not belong to the document")
}

/// Its process ends with the thread that started it, whatever becomes of the test.
struct Chromedriver {
    process: Child,
    port: u16,
}

impl Chromedriver {
    fn start() -> Self {
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "chromedriver", "--port=0", "--allowed-ips=127.0.0.1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv and chromedriver are needed; bin/test installs them");
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut said = String::new();
        let port = loop {
            let begins = said.len();
            assert_ne!(output.read_line(&mut said).unwrap(), 0, "chromedriver did not start: {said}");
            if let Some(port) =
                said[begins..].trim().trim_end_matches('.').split("started successfully on port ").nth(1)
                && let Ok(port) = port.parse()
            {
                break port;
            }
        };
        // Kept open, so that it can go on printing.
        process.stdout = Some(output.into_inner());
        Self { process, port }
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs `journey` in a fresh browser that is at home at `base`. The browser ends with it, whatever happens.
pub fn browse(base: &str, habits: Habits, journey: impl AsyncFnOnce(Browser)) {
    let chromedriver = Chromedriver::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut wanted = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=1280,800",
            "--lang=en",
        ] {
            wanted.add_arg(argument).unwrap();
        }
        if habits.without_scripts {
            let off = json!({ "profile.managed_default_content_settings.javascript": 2 });
            wanted.add_experimental_option("prefs", off).unwrap();
        }
        pilothouse::outgoing::use_ring();
        let driver = WebDriver::new(format!("http://127.0.0.1:{}", chromedriver.port), wanted).await.unwrap();
        let browser = Browser { driver: driver.clone(), base: base.to_owned() };
        let walked = driver
            .run_and_quit(|_| async move {
                journey(browser).await;
                Ok::<_, WebDriverError>(())
            })
            .await;
        walked.unwrap();
    });
}

impl Browser {
    /// Opens `path` of the console.
    pub async fn open(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.base)).await.unwrap();
    }

    /// Path and query of the page that is open.
    pub async fn path(&self) -> String {
        let url = self.driver.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.base).unwrap_or(url.as_str()).to_owned()
    }

    /// The first element that `css` finds, within a few seconds.
    pub async fn find(&self, css: &str) -> WebElement {
        match self.driver.query(By::Css(css)).first().await {
            Ok(element) => element,
            Err(error) => {
                panic!("{} has no {css}: {error}\n{}", self.path().await, self.driver.source().await.unwrap())
            }
        }
    }

    /// What the first element that `css` finds says. A page may be replaced between finding and reading:
    /// then it is the new page that is read.
    pub async fn text(&self, css: &str) -> String {
        for _ in 0..TRIES {
            match self.find(css).await.text().await {
                Ok(text) => return text,
                Err(error) if is_gone(&error) => tokio::time::sleep(MOMENT).await,
                Err(error) => panic!("{css} on {} can't be read: {error}", self.path().await),
            }
        }
        panic!("{css} on {} is replaced again and again", self.path().await)
    }

    /// How many elements `css` finds right now.
    pub async fn count(&self, css: &str) -> usize {
        self.driver.find_all(By::Css(css)).await.unwrap().len()
    }

    /// Clicks what changes the page that is open; what leads to another one is followed.
    pub async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }

    /// Clicks a link or a button, and waits until the page that it leads to has replaced this one: the driver
    /// answers a click on a form's button before the form is sent.
    pub async fn follow(&self, css: &str) {
        let before = self.find("html").await;
        self.click(css).await;
        for _ in 0..TRIES {
            match before.tag_name().await {
                Ok(_) => tokio::time::sleep(MOMENT).await,
                Err(error) if is_gone(&error) => {
                    self.find("body").await;
                    return;
                }
                Err(error) => panic!("{css} can't be followed: {error}"),
            }
        }
        panic!("{css} leads nowhere from {}", self.path().await)
    }

    /// Replaces what a field holds.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Signs in through the form, and waits for where that leads.
    pub async fn sign_in(&self, email: &str, password: &str) {
        self.open("/login").await;
        self.fill("#email", email).await;
        self.fill("#password", password).await;
        self.follow("button[type=submit]").await;
        self.find("nav[aria-label=Main]").await;
    }

    /// What `script` returns.
    pub async fn script(&self, script: &str) -> Value {
        self.driver.execute(script, vec![]).await.unwrap().json().clone()
    }

    /// A window of this size on a screen that prefers `theme`, `light` or `dark`.
    pub async fn look(&self, width: u32, theme: &str) {
        let tools = self.driver.cdp();
        let size = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        tools.send_raw("Emulation.setDeviceMetricsOverride", size).await.unwrap();
        let media = json!({ "media": "", "features": [
            { "name": "prefers-color-scheme", "value": theme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        tools.send_raw("Emulation.setEmulatedMedia", media).await.unwrap();
    }

    /// The page as it is laid out for paper, until [`Browser::look`].
    pub async fn paper(&self) {
        let media = json!({ "media": "print" });
        self.driver.cdp().send_raw("Emulation.setEmulatedMedia", media).await.unwrap();
    }

    /// Presses `key` wherever the focus is.
    pub async fn press(&self, key: Key) {
        self.driver.action_chain().send_keys(key).perform().await.unwrap();
    }
}

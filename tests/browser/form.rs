//! The dispute form as it looks and as files are put into it.

use thirtyfour::By;

use crate::shared::actor::Upload;
use crate::shared::app::TestApp;
use crate::shared::people::{PASSWORD, Person};
use crate::shared::story::NewCall;
use crate::support::browser::{Browser, View};

const WIDTHS: [(u32, u32); 3] = [(1440, 900), (768, 1024), (320, 640)];

struct Desk {
    app: TestApp,
    browser: Browser,
    form: String,
}

impl Desk {
    async fn new(view: View) -> Self {
        let app = TestApp::start_set(|config| config.max_evidence_bytes = 100_000).await;
        let call = NewCall::ordinary(&app.viewer(Person::buyer("acme")), app.clock().now()).add(app.db());
        let browser = Browser::start(view).await;
        let desk = Self { form: format!("/calls/{call}/disputes/new"), app, browser };
        desk.open("/login").await;
        desk.browser.fill("email", &Person::buyer("acme").email()).await;
        desk.browser.fill("password", PASSWORD).await;
        desk.browser.press("Sign in").await;
        desk.browser.find("#call-log").await;
        desk
    }

    async fn open(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.app.origin())).await;
    }

    async fn choose(&self, files: &[Upload]) {
        let paths = files.iter().map(|file| {
            let path = self.app.data_dir().join(&file.name);
            std::fs::write(&path, &file.bytes).expect("the file is written");
            path.to_str().expect("UTF-8").to_owned()
        });
        let paths = paths.collect::<Vec<_>>().join("\n");
        self.browser.find("#evidence").await.send_keys(paths).await.expect("the files are chosen");
    }

    async fn files(&self) -> Vec<String> {
        let lines = self.browser.driver().find_all(By::Css(".files li")).await.expect("the page answers");
        let mut texts = Vec::new();
        for line in lines {
            texts.push(line.text().await.expect("a text").replace('\n', " "));
        }
        texts
    }

    async fn shoot_everywhere(&self, name: &str) {
        for (width, height) in WIDTHS {
            self.browser.resize(width, height).await;
            for dark in [false, true] {
                self.browser.set_media(dark, false).await;
                assert!(!self.browser.scrolls_sideways().await, "{name} at {width}");
                self.browser.assert_accessible().await;
                self.browser.screenshot(&format!("{name}-{width}-{}", if dark { "dark" } else { "light" })).await;
            }
        }
    }
}

#[actix_web::test]
async fn each_file_is_told_by_itself_why_it_was_not_taken() {
    let desk = Desk::new(View { width: 1440, height: 900, ..View::default() }).await;
    let browser = &desk.browser;
    browser.press("Dispute Call").await;
    browser.find("#details-panel form").await;
    let file = |name: &str, bytes: &[u8]| Upload::new(name, "", bytes);
    desk.choose(&[
        file("quote.txt", b"the quote"),
        file("empty.txt", b""),
        file("large.txt", &vec![b'a'; 100_001]),
        file("callers.xlsm", b"PK\x03\x04\x14\0\x06\0"),
    ])
    .await;
    browser.wait_until("return document.querySelectorAll('.files .problem').length === 3").await;
    browser.wait_until("return document.querySelectorAll('.files [name=kept_evidence]').length === 1").await;
    let told = desk.files().await;
    assert!(told.iter().any(|line| line.contains("empty.txt") && line.contains("It is empty.")), "{told:?}");
    assert!(told.iter().any(|line| line.contains("large.txt") && line.contains("larger than 97 KB")), "{told:?}");
    assert!(told.iter().any(|line| line.contains("files of this type can\u{2019}t be sent")), "{told:?}");
    assert!(!browser.has("[aria-label='Retry callers.xlsm']").await, "sending it again would not help");
    desk.shoot_everywhere("form-panel").await;

    browser.resize(1440, 900).await;
    browser.click("[aria-label='Remove quote.txt']").await;
    browser.wait_until("return document.querySelectorAll('.files [name=kept_evidence]').length === 0").await;
    browser.is_on("#evidence").await;
    assert_eq!(browser.console().await.len(), 1, "the refused upload, and nothing else");
}

/// The list behind the panel tells the truth, and Back leads there: the form has nothing more to say.
#[actix_web::test]
async fn a_call_that_was_just_disputed_says_so_in_the_call_log() {
    let desk = Desk::new(View { width: 1440, height: 900, ..View::default() }).await;
    let browser = &desk.browser;
    browser.press("Dispute Call").await;
    browser.find("#details-panel form").await;
    browser.press("Send").await;
    browser.is_titled("Error: Call Log").await;
    browser.find("#reason").await;
    browser.click("#reason option[value=caller_hung_up]").await;
    browser.press("Send").await;
    browser.says("#flash", "Sent.").await;
    browser.is_titled("Call Log").await;
    browser.says("#call-log tbody tr", "Pending").await;
    assert!(!browser.has("#call-log a[href$='/disputes/new']").await, "it can't be disputed twice");
    assert!(!browser.has("#flash a").await, "the Call Log is there already");
    assert!(browser.has("#details-panel").await, "a list that comes anew leaves the panel where it is");

    browser.driver().back().await.expect("Back works");
    browser.wait_until("return !document.querySelector('#details-panel')").await;
    browser.gives("return location.pathname", "/calls").await;
    browser.says("#call-log tbody tr", "Pending").await;
    assert_eq!(browser.console().await.len(), 1, "the form that was refused, and nothing else");
}

#[actix_web::test]
async fn the_form_with_problems_is_read_at_every_width() {
    let desk = Desk::new(View { javascript: false, width: 1440, height: 1200, ..View::default() }).await;
    let browser = &desk.browser;
    desk.open(&desk.form).await;
    desk.shoot_everywhere("form-page").await;
    browser.resize(1440, 1200).await;
    browser.click("select[name=reason] option[value=duplicate_call]").await;
    browser.fill("fact[recording_mark]", "12 to 31 sec").await;
    browser.fill("additional_information", "She says so in the first ten seconds.").await;
    let file = |name: &str, bytes: &[u8]| Upload::new(name, "", bytes);
    desk.choose(&[file("quote.txt", b"the quote"), file("callers-november.xlsm", b"PK\x03\x04\x14\0\x06\0")]).await;
    browser.press("Send").await;
    browser.is_titled("Error:").await;
    desk.shoot_everywhere("form-errors").await;

    browser.resize(1440, 1200).await;
    browser.click("[aria-label='Remove quote.txt']").await;
    browser.gives("return document.querySelectorAll('.files li').length", 0).await;
    let typed = "return document.getElementById('additional_information').value";
    browser.gives(typed, "She says so in the first ten seconds.").await;
}

//! One ChromeDriver per test process.

use std::process::Command;
use std::sync::OnceLock;

use crate::shared::helper_process::HelperProcess;

/// Where the driver of this process listens, started at the first call.
pub(crate) fn url() -> &'static str {
    static DRIVER: OnceLock<(String, HelperProcess)> = OnceLock::new();
    let (url, _process) = DRIVER.get_or_init(|| {
        let mut command = Command::new("setsid");
        command.args(["--wait", "sh", "-c", include_str!("chromedriver.sh"), "chromedriver.sh"]);
        let process = HelperProcess::start("ChromeDriver", &mut command);
        (format!("http://127.0.0.1:{}", process.ready), process)
    });
    url
}

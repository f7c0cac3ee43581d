//! The page in a real browser. Needs Chromium in the path: `cargo test --test it report_browser -- --ignored`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::report_example;
use firstfault::face::{Face, Options, render};

/// A page around the report that writes what the browser made of it into its own title.
const PROBE: &str = r#"<!doctype html><title>?</title><iframe src="page.html" style="border:0;height:900px;width:WIDTHpx"></iframe>
<script>addEventListener('load', () => {
  const page = document.querySelector('iframe').contentDocument;
  const root = page.documentElement;
  document.title = [root.scrollWidth, page.querySelectorAll('rect').length, page.querySelectorAll('details[open]').length,
    page.fonts.size, page.querySelector('.verdict').getBoundingClientRect().top < 300].join(' ');
})</script>"#;

fn open_in_browser(width: u32) -> String {
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("browser-{width}"));
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    std::fs::write(folder.join("page.html"), render(&report_example::report(), Face::Html, &Options::default()))
        .expect("the page can be written");
    std::fs::write(folder.join("probe.html"), PROBE.replace("WIDTH", &width.to_string()))
        .expect("the probe can be written");
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
        .args(["--disable-background-networking", "--disable-component-update", "--allow-file-access-from-files"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .args(["--hide-scrollbars", "--virtual-time-budget=3000", "--dump-dom"])
        .arg(format!("file://{}", folder.join("probe.html").display()))
        .output()
        .expect("chromium starts");
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
    title.unwrap_or_else(|| panic!("no title in {dom}")).to_owned()
}

#[test]
#[ignore = "needs Chromium"]
fn the_page_fits_a_phone_and_a_desk() {
    for width in [400, 1100] {
        let seen = open_in_browser(width);
        let parts: Vec<&str> = seen.split(' ').collect();
        assert_eq!(parts[0], width.to_string(), "the page is wider than the window: {seen}");
        assert!(parts[1].parse::<u32>().is_ok_and(|bars| bars > 30), "bars are missing: {seen}");
        assert_eq!(&parts[2..], ["0", "0", "true"], "open folds, fonts, verdict on the first screen: {seen}");
    }
}

//! Brings the browser libraries in, and gathers everything under `/static/` in one folder for embedding.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The files taken from `node_modules`, and the names under which they are served.
const LIBRARIES: &[(&str, &str)] =
    &[("htmx.org/dist/htmx.min.js", "htmx.js"), ("htmx.org/dist/ext/hx-sse.min.js", "hx-sse.js")];

fn main() -> ExitCode {
    for watched in ["migrations", "static", "docs/guide", "package.json", "package-lock.json", "build.rs"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    println!("cargo::rerun-if-env-changed=WEB_LIBS_DIR");
    match gather() {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            println!("cargo::error={sentence}");
            ExitCode::FAILURE
        }
    }
}

fn gather() -> Result<(), String> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo did not set OUT_DIR")?);
    let assets = out.join("assets");
    replace_folder(&assets).map_err(|error| format!("{} can't be written: {error}", assets.display()))?;
    copy_own(&assets).map_err(|error| format!("static/ can't be copied: {error}"))?;
    let Err(reason) = bring_libraries(&out, &assets) else {
        return Ok(());
    };
    if env::var_os("PROFILE").is_some_and(|profile| profile == "release") {
        return Err(format!(
            "The browser libraries are missing: {reason}. Install npm, or put the package's files in a folder and name it in WEB_LIBS_DIR."
        ));
    }
    println!("cargo::warning=The browser libraries are missing ({reason}); the pages work as without script.");
    Ok(())
}

fn replace_folder(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)
}

fn copy_own(assets: &Path) -> io::Result<()> {
    for entry in fs::read_dir("static")? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), assets.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Copies the named library files from `WEB_LIBS_DIR` (laid out like `node_modules`), or from what npm installs.
fn bring_libraries(out: &Path, assets: &Path) -> Result<(), String> {
    let modules = match env::var_os("WEB_LIBS_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => install(out)?,
    };
    // All or nothing: half of the libraries would be worse than none.
    for (source, _) in LIBRARIES {
        let source = modules.join(source);
        if !source.is_file() {
            return Err(format!("{} is not there", source.display()));
        }
    }
    for (source, name) in LIBRARIES {
        let mut text = fs::read_to_string(modules.join(source)).map_err(|error| format!("{source}: {error}"))?;
        // The map isn't served, so a browser shouldn't ask for it.
        if let Some(at) = text.rfind("//# sourceMappingURL=") {
            text.truncate(at);
        }
        fs::write(assets.join(name), text).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

/// Runs `npm ci` inside `OUT_DIR`: the lock file's checksums decide, no install script runs, the source tree stays clean.
fn install(out: &Path) -> Result<PathBuf, String> {
    let folder = out.join("npm");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let lock = fs::read_to_string("package-lock.json").map_err(|error| format!("package-lock.json: {error}"))?;
    let modules = folder.join("node_modules");
    let done = folder.join("installed-lock.json");
    // The lock that was installed completely stands beside the folder, so an unchanged one costs nothing.
    if modules.is_dir() && fs::read_to_string(&done).is_ok_and(|installed| installed == lock) {
        return Ok(modules);
    }
    for file in ["package.json", "package-lock.json"] {
        fs::copy(file, folder.join(file)).map_err(|error| format!("{file}: {error}"))?;
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = Command::new(npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(&folder)
        .output()
        .map_err(|error| format!("npm could not be started: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
        return Err(format!("npm ci failed: {line}"));
    }
    fs::write(&done, lock).map_err(|error| error.to_string())?;
    Ok(modules)
}

//! Where things are: the repository, and the folder that receives everything the quickstart makes.
//!
//! Nothing is written outside of that folder, except what `cargo` and `npm` build in their usual places. The folder
//! is `target/quickstart` whatever `CARGO_TARGET_DIR` says, so that the report is where the README promises it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// The two folders everything else is found from.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
    out: PathBuf,
}

impl Layout {
    /// The repository this program was compiled in, and `out` or `target/quickstart` for what is made. Creates the
    /// latter.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn new(out: Option<PathBuf>) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository");
        let out = out.unwrap_or_else(|| root.join("target").join("quickstart"));
        fs::create_dir_all(out.join("logs")).with_context(|| format!("cannot create {}", out.display()))?;
        let out = out.canonicalize().with_context(|| format!("cannot open {}", out.display()))?;
        Ok(Self { root: root.to_path_buf(), out })
    }

    /// A path in the repository.
    pub fn source(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A path among what the quickstart makes.
    pub fn made(&self, path: &str) -> PathBuf {
        self.out.join(path)
    }

    /// The log file of one step.
    pub fn log(&self, step: &str) -> PathBuf {
        self.out.join("logs").join(format!("{step}.log"))
    }

    /// An empty folder among what the quickstart makes; what was in it before is gone.
    ///
    /// # Errors
    /// When the old folder cannot be removed or the new one not created.
    pub fn fresh(&self, path: &str) -> Result<PathBuf> {
        let folder = self.made(path);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    }
}

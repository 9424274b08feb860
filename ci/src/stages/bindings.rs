//! The bindings, installed as their users install them.

use anyhow::{Result, bail};
use zpatterns_quickstart::{
    language::{Absent, Language},
    shell::Call,
};

use super::Work;

/// Builds and installs a language's package as the quickstart does. What fails there is in the quickstart's own log.
pub(super) fn install(work: &mut Work<'_>, language: Language) -> Result<()> {
    match work.builder().build(&[language], None).programs(language) {
        Ok(_) => Ok(()),
        Err(Absent::Missing(what)) => bail!("{language} cannot be checked: {what}"),
        Err(Absent::Failed(why)) => bail!("{why}"),
    }
}

pub(super) fn c(work: &mut Work<'_>) -> Result<()> {
    install(work, Language::C)?;
    work.have("pkg-config", "pkg-config")?;
    let header = work.layout.made("zpatterns.h");
    let generate =
        ["run", "--quiet", "--release", "-p", "zpatterns-c", "--features", "header", "--bin", "zpatterns-header"];
    work.run(&work.builder().cargo().args(generate).arg("--").arg(&header))?;
    same(work, "bindings/c/include/zpatterns.h", &header)?;

    let prefix = work.layout.made("c");
    let run = || Call::new("sh").arg(work.layout.source("bindings/c/tests/run.sh")).arg(&prefix);
    let (plain, sanitized, checked) = (run(), run().arg("--sanitize"), run().arg("--valgrind"));
    work.run(&plain)?;
    work.run(&sanitized)?;
    if work.have("valgrind", "valgrind")? {
        work.run(&checked)?;
    }
    Ok(())
}

pub(super) fn python(work: &mut Work<'_>) -> Result<()> {
    install(work, Language::Python)?;
    let python = work.layout.made("python").join("bin").join("python");
    let folder = work.layout.source("bindings/python");
    let call = |arguments: &[&str]| Call::new(&python).args(arguments).dir(&folder);
    work.run(&call(&["-m", "pip", "install", "--quiet", "pytest", "pytest-timeout", "mypy", "pyzmq"]))?;
    work.run(&call(&["-m", "mypy", "--strict", "-p", "zpatterns"]))?;
    work.run(&call(&["-m", "pytest", "--quiet", "-p", "no:cacheprovider"]))?;
    Ok(())
}

pub(super) fn node(work: &mut Work<'_>) -> Result<()> {
    install(work, Language::Node)?;
    let folder = work.layout.source("bindings/node");
    let call = |program: &str, arguments: &[&str]| Call::new(program).args(arguments).dir(&folder);
    work.run(&call("node", &["scripts/options.mjs", "--check"]))?;
    work.run(&call("npm", &["install", "--no-save", "--no-audit", "--no-fund", "zeromq@6"]))?;
    work.run(&call("npm", &["test"]))?;
    Ok(())
}

/// A generated file is committed, and as it would be generated now.
fn same(work: &mut Work<'_>, committed: &str, generated: &std::path::Path) -> Result<()> {
    let committed = work.layout.source(committed);
    work.run(&Call::new("diff").arg("-u").arg(&committed).arg(generated)).map(drop)
}

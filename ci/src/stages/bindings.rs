//! The bindings, installed as their users install them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use zpatterns_quickstart::{
    language::{Absent, Language},
    shell::Call,
};

use super::Work;

/// Builds and installs a language's package as the quickstart does, once. What fails there is in the quickstart's own
/// log.
pub(super) fn install(work: &mut Work<'_>, language: Language) -> Result<()> {
    if work.installed.contains(&language) {
        return Ok(());
    }
    let built = work.builder().build(&[language], None);
    match built.programs(language) {
        Ok(_) => work.installed.insert(language),
        Err(Absent::Missing(what)) => bail!("{language} cannot be checked: {what}"),
        Err(Absent::Failed(why)) => bail!("{why}"),
    };
    Ok(())
}

/// A program on the installed package of its language: `folder` of the repository has it under this name in each. Those
/// in Rust are examples of the façade or of the conformance package.
pub(super) fn program(work: &mut Work<'_>, language: Language, folder: &str, name: &str) -> Result<Call> {
    install(work, language)?;
    let source = |extension: &str| work.layout.source(folder).join(format!("{name}.{extension}"));
    match language {
        Language::Rust => {
            let example = ["build", "--release", "-p", "zpatterns", "-p", "zpatterns-conformance", "--example", name];
            work.run(&work.builder().cargo().args(example))?;
            Ok(Call::new(work.builder().built().join("examples").join(name)))
        }
        Language::C => compile(work, &source("c"), name),
        Language::Python => Ok(Call::new(interpreter(work)).arg(source("py"))),
        Language::Node => {
            // Node looks for packages beside the program, and the program for its modules.
            let beside = work.layout.made("node");
            for entry in fs::read_dir(work.layout.source(folder))? {
                let from = entry?.path();
                if from.extension().is_some_and(|end| end == "mjs") {
                    let to = beside.join(from.file_name().expect("it has an extension"));
                    fs::copy(from, &to).with_context(|| format!("cannot make {}", to.display()))?;
                }
            }
            Ok(Call::new("node").arg(beside.join(format!("{name}.mjs"))))
        }
    }
}

fn compile(work: &mut Work<'_>, source: &Path, name: &str) -> Result<Call> {
    let prefix = work.layout.made("c");
    let (include, lib, program) = (prefix.join("include"), prefix.join("lib"), prefix.join("bin").join(name));
    let call = Call::new(&work.toolchains.cc).args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-pthread"]);
    let call = call.arg(source).arg("-I").arg(include).arg("-L").arg(&lib).arg("-lzpatterns");
    work.run(&call.arg(format!("-Wl,-rpath,{}", lib.display())).arg("-o").arg(&program))?;
    Ok(Call::new(program))
}

fn interpreter(work: &Work<'_>) -> PathBuf {
    work.layout.made("python").join("bin").join("python")
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
    let (python, folder) = (interpreter(work), work.layout.source("bindings/python"));
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
    same(work, "bindings/node/lib/native.d.ts", &folder.join("dist/native.d.ts"))?;
    work.run(&call("node", &["scripts/options.mjs", "--check"]))?;
    work.run(&call("npm", &["install", "--no-save", "--no-audit", "--no-fund", "zeromq@6"]))?;
    work.run(&call("npm", &["test"]))?;
    Ok(())
}

/// A generated file is committed, and as it would be generated now.
fn same(work: &mut Work<'_>, committed: &str, generated: &Path) -> Result<()> {
    let committed = work.layout.source(committed);
    work.run(&Call::new("diff").arg("-u").arg(&committed).arg(generated)).map(drop)
}

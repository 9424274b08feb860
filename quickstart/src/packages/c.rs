//! C: the library goes into a prefix of its own, and programs find it through pkg-config, as in any other project.
//!
//! The counterpart of the measurements is C too, but on plain libzmq: the very one that is linked into ours, so that
//! a difference between the two is ours.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::{Builder, Shell};
use crate::{
    language::Absent,
    shell::Call,
    tutorials::{self, Programs},
};

/// The static libraries that build scripts compiled, and the header of libzmq.
#[derive(Clone)]
pub(super) struct Natives {
    include: PathBuf,
    libraries: Vec<PathBuf>,
}

impl Builder<'_> {
    pub(super) fn c_package(&self) -> Result<Programs, Absent> {
        self.step("c", "C: build and install the library, compile the tutorials", |shell| {
            let built = self.cargo_build(&["-p", "zpatterns-c"], shell)?;
            let prefix = self.layout.fresh("c")?;
            let script = self.layout.source("bindings/c/install.sh");
            shell.run(&Call::new("sh").arg(script).arg(&prefix).arg(built.library_folder("zpatterns_c")?))?;
            tutorials::programs(|tutorial| self.compile_c(&[tutorial.source("c")], tutorial.program, shell))
        })
    }

    pub(super) fn c_driver(&self) -> Result<Call, Absent> {
        self.step("c-bench", "C: compile the bench driver", |shell| {
            self.compile_c(
                &["driver", "reqrep", "bus", "fan", "fan_publish", "jobs"]
                    .map(|name| format!("bench/drivers/c/{name}.c")),
                "driver",
                shell,
            )
        })
    }

    pub(super) fn compile_libzmq(&self, shell: &mut Shell) -> Result<Natives> {
        let built = self.cargo_build(&["-p", "zpatterns-libzmq"], shell)?;
        let (out, _) = built.build_script("zpatterns-libzmq")?;
        let (_, mut libraries) = built.build_script("libsodium-sys-stable")?;
        libraries.insert(0, out.join("lib"));
        Ok(Natives { include: out.join("source").join("include"), libraries })
    }

    pub(super) fn compile_limit(&self, natives: &Natives, shell: &mut Shell) -> Result<Call> {
        let folder = self.layout.fresh("limit")?;
        let program = folder.join("limit");
        let mut objects = Vec::new();
        for name in ["limit", "limit_reqrep", "limit_jobs", "limit_fan", "limit_nats"] {
            let (source, object) = (format!("bench/drivers/c/{name}.c"), folder.join(name).with_extension("o"));
            let compile = self.cc().args(["-DZMQ_STATIC", "-c"]).arg(self.layout.source(&source));
            shell.run(&compile.arg("-I").arg(&natives.include).arg("-o").arg(&object))?;
            objects.push(object);
        }
        // The C++ compiler links: libzmq brings C++ with it, and only that compiler knows where its runtime is.
        let link = Call::new(&self.toolchains.cxx).args(&objects).args(search(&natives.libraries));
        shell.run(&link.args(["-lzmq", "-lsodium", "-lpthread", "-lm", "-o"]).arg(&program))?;
        Ok(Call::new(program))
    }

    /// It finds libzmq when it runs; only the header is needed.
    pub(super) fn compile_epgm(&self, natives: &Natives, shell: &mut Shell) -> Result<Call> {
        self.compile_alone("epgm", &["-I".as_ref(), natives.include.as_os_str(), "-ldl".as_ref()], shell)
    }

    pub(super) fn compile_udp(&self, shell: &mut Shell) -> Result<Call> {
        self.compile_alone("udp", &[], shell)
    }

    /// Compiles a program of one file, beside the limit.
    fn compile_alone(&self, name: &str, flags: &[&OsStr], shell: &mut Shell) -> Result<Call> {
        let program = self.layout.made("limit").join(name);
        let source = self.layout.source(&format!("bench/drivers/c/{name}.c"));
        shell.run(&self.cc().arg(source).args(flags).arg("-o").arg(&program))?;
        Ok(Call::new(program))
    }

    /// Compiles one program against the installed library.
    fn compile_c(&self, sources: &[String], name: &str, shell: &mut Shell) -> Result<Call> {
        let prefix = self.layout.made("c");
        std::fs::create_dir_all(prefix.join("bin")).context("cannot create the folder for C programs")?;
        let program = prefix.join("bin").join(name);
        let flags = self.c_flags(&prefix, shell)?;
        let rpath = format!("-Wl,-rpath,{}", prefix.join("lib").display());
        let sources = sources.iter().map(|source| self.layout.source(source));
        let call = self.cc().args(sources).args(flags).args([&rpath, "-o"]).arg(&program);
        shell.run(&call)?;
        Ok(Call::new(program))
    }

    /// What a program needs to find the library: from pkg-config, or where there is none, what it would say.
    fn c_flags(&self, prefix: &Path, shell: &mut Shell) -> Result<Vec<String>> {
        let (include, lib) = (prefix.join("include"), prefix.join("lib"));
        let Some(pkg_config) = &self.toolchains.pkg_config else {
            return Ok(vec![format!("-I{}", include.display()), format!("-L{}", lib.display()), "-lzpatterns".into()]);
        };
        let call = Call::new(pkg_config).args(["--cflags", "--libs", "zpatterns"]);
        let said = shell.run(&call.env("PKG_CONFIG_PATH", lib.join("pkgconfig")))?;
        Ok(said.stdout.iter().flat_map(|line| line.split_whitespace()).map(str::to_owned).collect())
    }

    fn cc(&self) -> Call {
        Call::new(&self.toolchains.cc).args(["-std=gnu11", "-O2", "-Wall", "-Wextra"])
    }
}

fn search(folders: &[PathBuf]) -> impl Iterator<Item = String> {
    folders.iter().map(|folder| format!("-L{}", folder.display()))
}

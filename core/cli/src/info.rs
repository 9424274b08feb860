//! `zpat info`: what this build is and can do.

use crate::Outcome;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let info = zpatterns::info()?;
    if arguments.json {
        let all = serde_json::json!({
            "version": info.version, "libzmq": info.libzmq, "curve": info.curve, "transports": info.transports,
        });
        println!("{all:#}");
    } else {
        println!("zpatterns  {}", info.version);
        println!("libzmq     {}", info.libzmq);
        println!("curve      {}", if info.curve { "yes" } else { "no" });
        println!("transports {}", info.transports.join(" "));
    }
    Ok(())
}

//! Calls of our own, and digits for a call that is up.

use clap::Args;

use super::{Asking, call_id};

#[derive(Args, Debug)]
pub(crate) struct CallPlace {
    /// The calling number, one of ours
    #[arg(long, value_name = "+E164")]
    pub(crate) from: String,
    /// The number to call
    #[arg(long, value_name = "+E164")]
    pub(crate) to: String,
    /// The agent that joins [default: the number's, else the default agent]
    #[arg(long, value_name = "ID")]
    pub(crate) agent: Option<String>,
    /// Give up after so long without an answer [default: what the configuration says]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=300))]
    pub(crate) ring: Option<u32>,
    /// A custom parameter for the agent's stream; may be repeated
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    pub(crate) parameters: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

#[derive(Args, Debug)]
pub(crate) struct CallDtmf {
    /// The call's id, or its first digits, six or more
    #[arg(value_name = "ID", value_parser = call_id)]
    pub(crate) id: String,
    /// Of 0 to 9, *, # and A to D
    #[arg(value_name = "DIGITS")]
    pub(crate) digits: String,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

fn parameter(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    if name.is_empty() {
        return Err("expected a name before the `=`");
    }
    Ok((name.to_owned(), value.to_owned()))
}
